/** What a stream can show. */
export interface Terminal {
  readonly width: number;
  readonly colour: boolean;
  /** Writes a line. */
  line(text?: string): void;
}

const NARROWEST = 72;
const WIDEST = 120;

/** The terminal behind a stream; plain lines of 100 columns where it is a file or a pipe. Respects NO_COLOR. */
export function terminal(stream: NodeJS.WriteStream): Terminal {
  const noColour = process.env['NO_COLOR'];
  const isTerminal = stream.isTTY === true;
  // The reader went away (`| head`, a closed window): nobody is left to work for.
  stream.on('error', () => process.exit(1));
  return {
    width: isTerminal ? Math.min(Math.max(stream.columns ?? 100, NARROWEST), WIDEST) : 100,
    colour: isTerminal && (noColour === undefined || noColour === ''),
    line: (text = '') => stream.write(`${text}\n`),
  };
}

/** `text` in bold where there are colours. */
export function bold(text: string, { colour }: Terminal): string {
  return colour ? `\x1b[1m${text}\x1b[0m` : text;
}

/** `text` faint where there are colours. */
export function dim(text: string, { colour }: Terminal): string {
  return colour ? `\x1b[2m${text}\x1b[0m` : text;
}
