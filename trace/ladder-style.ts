import type { TcpState } from '../stack/tcp/states.ts';

const STATE_CLASSES: { readonly [state in TcpState]: string } = {
  CLOSED: 's-closed',
  LISTEN: 's-listen',
  'SYN-SENT': 's-syn',
  'SYN-RECEIVED': 's-syn',
  ESTABLISHED: 's-established',
  'FIN-WAIT-1': 's-fin',
  'FIN-WAIT-2': 's-fin',
  CLOSING: 's-fin',
  'CLOSE-WAIT': 's-passive',
  'LAST-ACK': 's-passive',
  'TIME-WAIT': 's-time-wait',
};

/** The class that colours a state. */
export function stateClass(state: TcpState): string {
  return STATE_CLASSES[state];
}

interface Palette {
  readonly ground: string;
  readonly ink: string;
  readonly dim: string;
  readonly line: string;
  readonly host: string;
  readonly data: string;
  readonly bad: string;
  readonly again: string;
  readonly states: { readonly [name: string]: string };
}

const LIGHT: Palette = {
  ground: '#ffffff',
  ink: '#1f2328',
  dim: '#6e7781',
  line: '#c4cbd3',
  host: '#f0f3f6',
  data: '#0a58ca',
  bad: '#c8102e',
  again: '#9a5b00',
  states: {
    closed: '#8c959f',
    listen: '#57606a',
    syn: '#b26a00',
    established: '#1a7f37',
    fin: '#7a3fc4',
    passive: '#0f7b8a',
    'time-wait': '#b5446e',
  },
};

const DARK: Palette = {
  ground: '#0d1117',
  ink: '#e6edf3',
  dim: '#8b949e',
  line: '#3d444d',
  host: '#1c2330',
  data: '#6cb2ff',
  bad: '#ff7b72',
  again: '#e3a54a',
  states: {
    closed: '#7d8590',
    listen: '#a1abb6',
    syn: '#e3a54a',
    established: '#4ac26b',
    fin: '#bc8cff',
    passive: '#4fc4d4',
    'time-wait': '#f0809f',
  },
};

/** The style sheet: plain colours (not every renderer knows variables), and the dark ones where dark is preferred. */
export function svgStyle(): string {
  return `<style>
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.title { font-size: 15px; font-weight: bold; }
.name, .state { font-weight: bold; }
.time, .gap, .cause, .timer { font-size: 11px; }
.label { font-size: 11.5px; paint-order: stroke; stroke-width: 4px; stroke-linejoin: round; }
.mark { font-weight: bold; }
.life { stroke-width: 1.5; }
.host { stroke-width: 1; }
.arrow line { stroke-width: 1.5; }
.arrow.wide line { stroke-width: 3.5; }
.arrow.open line { stroke-dasharray: 5 4; }
.arrow .cross { stroke-width: 2.5; fill: none; stroke-linecap: round; }
${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}
</style>`;
}

function colours(palette: Palette): string {
  const { ground, ink, dim, line, host, data, bad, again, states } = palette;
  const arrow = (name: string, colour: string): string =>
    `.arrow.${name} line, .arrow.${name} .cross { stroke: ${colour}; } .arrow.${name} path { fill: ${colour}; } .label.${name} { fill: ${colour}; }`;
  const rules = [
    `.ground { fill: ${ground}; }`,
    `.label { stroke: ${ground}; }`,
    `.title, .name { fill: ${ink}; }`,
    `.time, .gap, .cause { fill: ${dim}; }`,
    `.life { stroke: ${line}; }`,
    `.host { fill: ${host}; stroke: ${line}; }`,
    arrow('plain', ink),
    arrow('open', dim),
    arrow('data', data),
    arrow('again', again),
    arrow('bad', bad),
    `.drop { fill: ${bad}; }`,
    `.timer { fill: ${again}; }`,
  ];
  for (const [name, colour] of Object.entries(states)) rules.push(`.s-${name} { fill: ${colour}; }`);
  return rules.join('\n');
}
