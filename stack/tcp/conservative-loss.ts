import type { Sender } from './sender.ts';
import { type SeqNumber, lt } from './sequence.ts';
import type { Scoreboard } from './scoreboard.ts';

/**
 * IsLost() [RFC 6675 4] for everything that is out: lost is what lies below DupThresh separate runs that were SACKed, or below more than
 * (DupThresh - 1) segments' worth of them. What was sent again is not judged a second time: only the timer finds it lost.
 */
export function conservativeLoss(sender: Sender, dupThresh: number): void {
  const { scoreboard, mss } = sender;
  const limit = lostBelow(scoreboard, dupThresh, mss);
  if (limit === undefined) return;
  for (let record = scoreboard.oldest; record !== undefined; ) {
    const { newer } = record;
    // Retransmissions come last in the order of time, the rest in the order of the sequence space.
    if (record.retransmissions > 0 || !lt(record.start, limit)) return;
    scoreboard.markLost(record);
    record = newer;
  }
}

/**
 * The beginning of the run that makes all below it lost; undefined: too little was SACKed. Looks at DupThresh runs at most, however much
 * lies between them (attacks.md A12).
 */
function lostBelow(scoreboard: Scoreboard, dupThresh: number, mss: number): SeqNumber | undefined {
  let runs = 0;
  let bytes = 0;
  for (let run = scoreboard.sackedRun(); run !== undefined; run = scoreboard.sackedRun(run.start)) {
    runs += 1;
    bytes += run.length;
    if (runs >= dupThresh || bytes > (dupThresh - 1) * mss) return run.start;
  }
  return undefined;
}
