/** Settings of TCP that bound what a peer, or who pretends to be one, may cost us (attacks.md section 3). */
export interface HardeningSettings {
  /**
   * When a SYN is answered by a cookie that costs no memory [RFC 4987 3.6; Linux tcp_syncookies]: never, when the SYN queue is full, or
   * always (a fingerprint of the defence: options that need memory are lost without timestamps).
   */
  readonly synCookies: 'off' | 'overflow' | 'always';
  /** Connections in TIME-WAIT that are kept as records, 1 and up; beyond it the one that has waited longest goes [Linux tcp_max_tw_buckets]. */
  readonly timeWaitRecords: number;
  /** Connections in all, half-open ones and TIME-WAIT left out; a SYN beyond it is dropped, a call to connect fails with EMFILE [attacks.md A16]. */
  readonly maxConnections: number;
  /**
   * Bytes that all buffers, records and incomplete packets may hold, with what holding them costs [attacks.md A16; Linux tcp_mem]. At
   * three quarters of it new connections are refused, at seven eighths buffers grow no more, beyond it connections are aborted.
   */
  readonly maxMemory: number;
  /** Separate ranges that the out-of-order queue of one connection may hold: one for so many bytes of its buffer, but at least 64 [attacks.md A13]. */
  readonly bytesPerRange: number;
}

/** The same in all profiles, but `textbook` has no cookies. */
export const HARDENING: HardeningSettings = {
  synCookies: 'overflow',
  timeWaitRecords: 65_536,
  maxConnections: 1_000_000,
  maxMemory: 1024 * 1024 * 1024,
  bytesPerRange: 256,
};
