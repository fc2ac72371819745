import { PcapngWriter } from '../../trace/pcapng.ts';
import type { Instant } from '../../stack/time.ts';
import type { ScriptResult } from '../run/result.ts';

/** The run as a pcapng file: every packet, with the script's lines as comments. */
export function scriptCapture(result: ScriptResult): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new PcapngWriter((bytes) => parts.push(bytes));
  const device = writer.addInterface({ name: result.target, medium: 'ip', description: result.name });
  for (const { at, direction, bytes, comments } of result.packets) {
    writer.packet(at as Instant, device, direction, bytes, 0, bytes.length, comments);
  }
  writer.flush();
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
