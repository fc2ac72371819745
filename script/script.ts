/** The public door of `glasstack/script`: packet scripts against the stack, in virtual time. */
export { ScriptBuilder, script } from './builder.ts';
export { formatText } from './format-text.ts';
export { type FromCaptureOptions, scriptFromCapture } from './from-capture.ts';
export { formatScript } from './language/format.ts';
export { parseScript, type ParseOptions } from './language/parse-script.ts';
export type { Script, ScriptEvent } from './language/syntax.ts';
export { scriptCapture } from './report/capture.ts';
export { scriptLadder } from './report/ladder.ts';
export { jsonReport, junitReport, tapReport } from './report/machine.ts';
export { rewriteScript } from './report/rewrite.ts';
export { summary, textReport, type TextReportOptions } from './report/text.ts';
export { checkText, runParsedScript, runScript, type RunOptions } from './run/run-script.ts';
export type { Failure, ScriptResult, TranscriptRow } from './run/result.ts';
export { ScriptError, UnsupportedError } from './script-error.ts';
