/** The script as it would have passed: every expectation replaced by what happened. */

import { formatSeconds } from '../language/format.ts';
import type { ScriptResult, TranscriptRow } from '../run/result.ts';

/** A time, or a blocking call's two times, in front of an event. */
const TIME = /^\+?[\d.]+(?:~\+?[\d.]+)?\s+|^\*\s*/;
const BLOCKING = /^\+?\d*\.?\d*\.\.\./;

/** The lines of the run, with times counted from the line before. Options and settings are not part of it. */
export function rewriteScript(result: ScriptResult): string {
  let now = 0;
  const lines = [...result.transcript]
    .sort((a, b) => a.at - b.at)
    .flatMap((row, index) => {
      const action = actionOf(row);
      if (action === undefined) return [];
      if (BLOCKING.test(row.script)) return [row.script];
      const delta = Math.max(0, row.at - now);
      now = Math.max(now, row.at);
      return [`${index === 0 ? '' : '+'}${formatSeconds(delta)} ${action}`];
    });
  return `${lines.join('\n')}\n`;
}

function actionOf({ direction, script, live, ok }: TranscriptRow): string | undefined {
  if (direction === 'out') return live === '(nothing)' ? undefined : `> ${live}`;
  if (direction === 'call' && !ok && !/^(it|nothing)/.test(live)) return live;
  return script.replace(TIME, '');
}
