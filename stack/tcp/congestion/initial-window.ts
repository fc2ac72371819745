import type { TcpSettings } from '../../settings.ts';

/** RFC 6928 2: min(10 MSS, max(2 MSS, 14600)) for ten segments. */
export function initialWindow(settings: TcpSettings, smss: number): number {
  const segments = settings.initialWindow;
  return Math.min(segments * smss, Math.max(2 * smss, segments * 1_460));
}
