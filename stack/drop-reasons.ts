/**
 * Why a packet was dropped. Linux's names (`enum skb_drop_reason`) wherever Linux has one, so that people can look them up;
 * each with one sentence and one citation, which the page, the ladder and the docs show.
 */
export const DROP_REASONS = {
  PKT_TOO_SMALL: 'shorter than its own header says, or than a header has to be [RFC 1122 3.2.1]',
  UNHANDLED_PROTO: 'no protocol here takes it (EtherType, IP version or protocol number) [RFC 1122 3.2.1.1]',
  OTHERHOST: 'neither our Ethernet nor our IP address, and we do not forward [RFC 1122 3.2.1.3]',
  IP_CSUM: 'the IPv4 header checksum is wrong [RFC 1122 3.2.1.2]',
  IP_INHDR: 'the IP header contradicts itself (version, header length, total length) [RFC 791 3.1]',
  IP_INVALID_SOURCE:
    'a source address that no host may use (broadcast, multicast, unspecified) [RFC 1122 3.2.1.3]',
  IP_OUTNOROUTES: 'no route to the destination [RFC 1122 3.3.1]',
  IPV6_BAD_EXTHDR:
    'an IPv6 extension header that is malformed, out of place, unknown or one too many [RFC 8200 4]',
  FRAG_REASM_TIMEOUT: 'the other fragments did not come in time [RFC 1122 3.3.2]',
  FRAG_TOO_FAR: 'a fragment beyond 65,535 bytes, or one that overlaps another [RFC 815; RFC 5722]',
  FRAG_LIMIT: 'reassembly holds as much as its settings allow [RFC 1122 3.3.2]',
  PKT_TOO_BIG: 'larger than the MTU and not to be fragmented [RFC 791 3.2]',
  ICMP_CSUM: 'the ICMP checksum is wrong [RFC 792]',
  ICMP_RATELIMIT: 'an ICMP answer was due, but the rate limit was reached [RFC 1812 4.3.2.8]',
  INVALID_PROTO: 'a message of a known protocol that is malformed or not for us [RFC 1122 3.2.2]',
  IPV6_NDISC_HOP_LIMIT: 'neighbour discovery from beyond the link: its hop limit is not 255 [RFC 4861 7.1]',
  IPV6_NDISC_BAD_OPTIONS: 'neighbour discovery with an option of no or too much length [RFC 4861 4.6]',
  NEIGH_FAILED: 'the neighbour did not answer ARP or neighbour discovery [RFC 1122 2.3.2; RFC 4861 7.2.2]',
  NEIGH_QUEUEFULL: 'too many packets wait for the same neighbour [RFC 1122 2.3.2.2]',
  UDP_CSUM: 'the UDP checksum is wrong [RFC 768]',
  TCP_CSUM: 'the TCP checksum is wrong [RFC 9293 3.1, MUST-3]',
  NO_SOCKET: 'no connection and no listener has this address and port [RFC 9293 3.10.7.1]',
  TCP_FLAGS: 'a combination of flags that has no meaning in this state [RFC 9293 3.10.7]',
  TCP_OLD_DATA: 'every byte of it was received before [RFC 9293 3.10.7.4]',
  TCP_OVERWINDOW: 'beyond the window we offered [RFC 9293 3.10.7.4]',
  TCP_ZEROWINDOW: 'our window is closed [RFC 9293 3.10.7.4]',
  TCP_OFOMERGE: 'out of order and already held [RFC 9293 3.10.7.4]',
  TCP_OFO_QUEUE_PRUNE: 'out of order, and the out-of-order queue is full [RFC 2018 8]',
  TCP_RFC7323_PAWS: 'its timestamp is older than the last one accepted [RFC 7323 5.3]',
  TCP_RFC7323_TIMESTAMP_MISSING: 'timestamps were agreed, but it has none [RFC 7323 3.2]',
  TCP_INVALID_SEQUENCE: 'its sequence number is outside the window [RFC 9293 3.10.7.4]',
  TCP_INVALID_ACK_SEQUENCE: 'it acknowledges something impossible in this state [RFC 9293 3.10.7.3]',
  TCP_ACK_UNSENT_DATA: 'it acknowledges data that we have not sent [RFC 9293 3.10.7.4]',
  TCP_TOO_OLD_ACK: 'its acknowledgment is older than any window we had [RFC 5961 5.2]',
  TCP_INVALID_SYN: 'a SYN in a synchronized state; answered by a challenge ACK [RFC 5961 4.2]',
  TCP_RESET: 'a RST inside the window but not at RCV.NXT; answered by a challenge ACK [RFC 5961 3.2]',
  TCP_LISTEN_OVERFLOW: 'the SYN queue or the accept queue is full [RFC 4987]',
  NOMEM: 'the host has as many connections as it may, or no memory for one more (maxConnections, maxMemory)',
  TCP_ABORT_ON_DATA: 'data came after the program had given up reading [RFC 9293 3.6.1]',
  TCP_TIMEWAIT: 'the connection is in TIME-WAIT, and this may not end it [RFC 1337]',
  TCP_CLOSED: 'the connection is closed [RFC 9293 3.10.7.1]',
  DEVICE_QUEUE_FULL: 'the device did not take it',
} as const;

/** The name of a drop reason. */
export type DropReason = keyof typeof DROP_REASONS;

/** Why we sent a RST. Linux's names (`enum sk_rst_reason`). */
export const RESET_REASONS = {
  NO_SOCKET: 'no connection and no listener has this address and port [RFC 9293 3.10.7.1]',
  TCP_INVALID_ACK_SEQUENCE:
    'an acknowledgment that cannot be, before the connection was synchronized [RFC 9293 3.5.2]',
  TCP_FLAGS: 'flags that cannot be, before the connection was synchronized [RFC 9293 3.10.7]',
  TCP_ABORT_ON_DATA: 'data came after the program had given up reading [RFC 9293 3.6.1, SHLD-3]',
  TCP_ABORT_ON_CLOSE: 'closed while received data was unread [RFC 9293 3.6.1, SHLD-3]',
  TCP_ABORT_ON_LINGER: 'the program aborted the connection [RFC 9293 3.10.5]',
  TCP_ABORT_ON_MEMORY: 'the stack has no memory left for it',
  TCP_KEEPALIVE_TIMEOUT: 'no keep-alive probe was answered [RFC 9293 3.8.4]',
} as const;

/** The name of a reset reason. */
export type ResetReason = keyof typeof RESET_REASONS;
