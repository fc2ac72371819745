/** Every state against every kind of segment: what is answered, and which state follows [RFC 9293 3.10.7.3, 3.10.7.4]. */
import { describe, expect, it } from 'vitest';
import type { TcpState } from '../../../stack/tcp/states.ts';
import { Bench } from './harness.ts';
import { OTHER_STATES, inState } from './states.ts';

/** An ACK of where we are, which is also the challenge ACK; nothing; a RST for the ACK. */
const ACK = '<SEQ=N><ACK=R><CTL=ACK>';
const NOTHING = '';

interface Kind {
  readonly what: string;
  readonly segment: string;
  /** The answer in all states but those named, and the state that follows where it is another one. */
  readonly answer: string;
  readonly answers?: { readonly [state in TcpState]?: string };
  readonly next?: { readonly [state in TcpState]?: TcpState };
}

const all = (next: TcpState): { readonly [state in TcpState]?: TcpState } =>
  Object.fromEntries(OTHER_STATES.map((state) => [state, next]));
const RESET_TO_LISTEN: Kind['answers'] = { 'SYN-RECEIVED': '<SEQ=U><CTL=RST>' };
/** In SYN-RECEIVED the ACK of our SYN comes with it. */
const OPENED = { 'SYN-RECEIVED': 'ESTABLISHED' } as const;
const ACK_OF_FIN = { 'FIN-WAIT-1': 'FIN-WAIT-2', CLOSING: 'TIME-WAIT', 'LAST-ACK': 'CLOSED' } as const;
/** The peer's FIN in the states that have not seen it. */
const FIN_AND_ACK = {
  'SYN-RECEIVED': 'CLOSE-WAIT',
  ESTABLISHED: 'CLOSE-WAIT',
  'FIN-WAIT-1': 'TIME-WAIT',
  'FIN-WAIT-2': 'TIME-WAIT',
  CLOSING: 'TIME-WAIT',
  'LAST-ACK': 'CLOSED',
} as const;
/** After the peer's FIN nothing more can come: it is ignored without an answer. */
const AFTER_FIN = {
  'CLOSE-WAIT': NOTHING,
  CLOSING: NOTHING,
  'LAST-ACK': NOTHING,
  'TIME-WAIT': NOTHING,
} as const;

const KINDS: readonly Kind[] = [
  // First, the sequence number.
  { what: 'an old ACK without data', segment: '<SEQ=R-1><ACK=N><CTL=ACK>', answer: ACK },
  { what: 'old data', segment: '<SEQ=R-1><ACK=N><CTL=ACK><DATA=1>', answer: ACK },
  { what: 'data beyond the window', segment: '<SEQ=W><ACK=N><CTL=ACK><DATA=5>', answer: ACK },
  { what: 'an ACK at the right edge', segment: '<SEQ=W><ACK=N><CTL=ACK>', answer: ACK },
  // Second, RST.
  {
    what: 'a RST at RCV.NXT [RFC 5961 3.2]',
    segment: '<SEQ=R><CTL=RST>',
    answer: NOTHING,
    next: { ...all('CLOSED'), 'TIME-WAIT': 'TIME-WAIT' },
  },
  {
    what: 'a RST with data [SHLD-2]',
    segment: '<SEQ=R><CTL=RST><DATA=9>',
    answer: NOTHING,
    next: { ...all('CLOSED'), 'TIME-WAIT': 'TIME-WAIT' },
  },
  {
    what: 'a RST elsewhere in the window [RFC 5961 3.2]',
    segment: '<SEQ=R+1><ACK=N><CTL=RST,ACK>',
    answer: ACK,
  },
  { what: 'a RST in the last octet of the window', segment: '<SEQ=W-1><CTL=RST>', answer: ACK },
  { what: 'a RST outside of the window [RFC 5961 3.2]', segment: '<SEQ=W><CTL=RST>', answer: NOTHING },
  { what: 'a RST before the window', segment: '<SEQ=R-1><ACK=N><CTL=RST,ACK>', answer: NOTHING },
  // Fourth, SYN.
  {
    what: 'a SYN in the window [RFC 5961 4.2]',
    segment: '<SEQ=R+1><CTL=SYN>',
    answer: ACK,
    answers: { 'SYN-RECEIVED': NOTHING },
    next: { 'SYN-RECEIVED': 'CLOSED' },
  },
  { what: 'a SYN before the window [RFC 5961 4.2]', segment: '<SEQ=R-9><CTL=SYN>', answer: ACK },
  {
    what: 'a SYN-ACK at RCV.NXT',
    segment: '<SEQ=R><ACK=N><CTL=SYN,ACK>',
    answer: ACK,
    answers: { 'SYN-RECEIVED': NOTHING },
    next: { 'SYN-RECEIVED': 'CLOSED' },
  },
  // Fifth, ACK.
  { what: 'a segment without ACK', segment: '<SEQ=R><DATA=5>', answer: NOTHING },
  { what: 'a segment without ACK, with FIN', segment: '<SEQ=R><CTL=FIN>', answer: NOTHING },
  {
    what: 'an ACK of what was sent',
    segment: '<SEQ=R><ACK=N><CTL=ACK>',
    answer: NOTHING,
    next: { ...OPENED, ...ACK_OF_FIN },
  },
  { what: 'an old ACK', segment: '<SEQ=R><ACK=U><CTL=ACK>', answer: NOTHING, answers: RESET_TO_LISTEN },
  {
    what: 'an ACK of what was never sent',
    segment: '<SEQ=R><ACK=N+1><CTL=ACK>',
    answer: ACK,
    answers: { 'SYN-RECEIVED': '<SEQ=2><CTL=RST>' },
  },
  {
    what: 'an ACK of what was never sent, with data',
    segment: '<SEQ=R><ACK=N+1><CTL=ACK><DATA=5>',
    answer: ACK,
    answers: { 'SYN-RECEIVED': '<SEQ=2><CTL=RST>' },
  },
  {
    what: 'an ACK older than any window [RFC 5961 5.2]',
    segment: '<SEQ=R><ACK=U-65536><CTL=ACK><DATA=5>',
    answer: ACK,
    answers: { 'SYN-RECEIVED': '<SEQ=-65536><CTL=RST>' },
  },
  // Sixth and seventh, URG and text.
  {
    what: 'urgent data',
    segment: '<SEQ=R><ACK=N><CTL=ACK><URG=2><DATA=5>',
    answer: NOTHING,
    next: { ...OPENED, ...ACK_OF_FIN },
  },
  {
    what: 'the next data',
    segment: '<SEQ=R><ACK=N><CTL=ACK><DATA=5>',
    answer: NOTHING,
    next: { ...OPENED, ...ACK_OF_FIN },
  },
  {
    what: 'data that is partly old',
    segment: '<SEQ=R-3><ACK=N><CTL=ACK><DATA=8>',
    answer: NOTHING,
    next: { ...OPENED, ...ACK_OF_FIN },
  },
  {
    what: 'data after a gap [SHLD-31, MAY-13]',
    segment: '<SEQ=R+7><ACK=N><CTL=ACK><DATA=5>',
    answer: ACK,
    answers: AFTER_FIN,
    next: { ...OPENED, ...ACK_OF_FIN },
  },
  // Eighth, FIN.
  {
    what: 'a FIN',
    segment: '<SEQ=R><ACK=N><CTL=FIN,ACK>',
    answer: ACK,
    answers: AFTER_FIN,
    next: FIN_AND_ACK,
  },
  {
    what: 'a FIN that does not acknowledge ours',
    segment: '<SEQ=R><ACK=U><CTL=FIN,ACK>',
    answer: ACK,
    answers: { ...AFTER_FIN, ...RESET_TO_LISTEN },
    next: { ESTABLISHED: 'CLOSE-WAIT', 'FIN-WAIT-1': 'CLOSING', 'FIN-WAIT-2': 'TIME-WAIT' },
  },
  {
    what: 'a FIN with data',
    segment: '<SEQ=R><ACK=N><CTL=FIN,ACK><DATA=5>',
    answer: ACK,
    answers: AFTER_FIN,
    next: FIN_AND_ACK,
  },
  {
    what: 'a FIN after a gap',
    segment: '<SEQ=R+7><ACK=N><CTL=FIN,ACK>',
    answer: ACK,
    answers: { CLOSING: NOTHING, 'LAST-ACK': NOTHING },
    next: { ...OPENED, ...ACK_OF_FIN },
  },
  { what: 'a FIN that was received before', segment: '<SEQ=R-1><ACK=N><CTL=FIN,ACK>', answer: ACK },
];

describe.each(OTHER_STATES)('in %s [RFC 9293 3.10.7.4]', (state) => {
  it.each(KINDS)('$what is answered as the RFC says', ({ segment, answer, answers, next }) => {
    const bench = inState(state);
    const expected = answers?.[state] ?? answer;
    // Letters mean the numbers as they were: only ACKs tell those after it.
    const before = expected.includes('RST') ? bench.frame.letters : undefined;
    bench.arrives(segment);
    if (before === undefined) bench.sends(...(expected === NOTHING ? [] : [expected]));
    else bench.sends(expected.replace('=U', `=${before['U']}`));
    expect(bench.connection.state).toBe(next?.[state] ?? state);
  });
});

const SYN_SENT: readonly [what: string, segment: string, answer: string, next: TcpState][] = [
  ['an ACK of nothing', '<SEQ=9><ACK=0><CTL=ACK>', '<SEQ=0><CTL=RST>', 'SYN-SENT'],
  ['an ACK of what was never sent', '<SEQ=9><ACK=2><CTL=SYN,ACK>', '<SEQ=2><CTL=RST>', 'SYN-SENT'],
  ['a RST with an unacceptable ACK', '<SEQ=0><ACK=2><CTL=RST,ACK>', '', 'SYN-SENT'],
  ['a RST without ACK', '<SEQ=0><CTL=RST>', '', 'SYN-SENT'],
  ['a RST with an acceptable ACK', '<SEQ=0><ACK=1><CTL=RST,ACK>', '', 'CLOSED'],
  ['an ACK without SYN', '<SEQ=0><ACK=1><CTL=ACK>', '', 'SYN-SENT'],
  ['a FIN', '<SEQ=0><ACK=1><CTL=FIN,ACK>', '', 'SYN-SENT'],
  ['data', '<SEQ=0><DATA=5>', '', 'SYN-SENT'],
  ['a SYN', '<SEQ=0><CTL=SYN>', '<SEQ=0><ACK=1><CTL=SYN,ACK>', 'SYN-RECEIVED'],
  ['a SYN-ACK', '<SEQ=0><ACK=1><CTL=SYN,ACK>', '<SEQ=1><ACK=1><CTL=ACK>', 'ESTABLISHED'],
  ['a SYN-ACK with data', '<SEQ=0><ACK=1><CTL=SYN,ACK><DATA=5>', '<SEQ=1><ACK=6><CTL=ACK>', 'ESTABLISHED'],
  ['a SYN-ACK with FIN', '<SEQ=0><ACK=1><CTL=SYN,FIN,ACK>', '<SEQ=1><ACK=2><CTL=ACK>', 'CLOSE-WAIT'],
  [
    'a SYN-ACK with data and FIN',
    '<SEQ=0><ACK=1><CTL=SYN,FIN,ACK><DATA=5>',
    '<SEQ=1><ACK=7><CTL=ACK>',
    'CLOSE-WAIT',
  ],
];

it.each(SYN_SENT)(
  'in SYN-SENT, %s is answered as the RFC says [RFC 9293 3.10.7.3]',
  (_, segment, answer, next) => {
    const bench = inState('SYN-SENT').arrives(segment);
    bench.sends(...(answer === '' ? [] : [answer]));
    expect(bench.connection.state).toBe(next);
  },
);

const CLOSED: readonly [segment: string, answer: string][] = [
  ['<SEQ=7><CTL=SYN>', '<SEQ=0><ACK=8><CTL=RST,ACK>'],
  ['<SEQ=7><CTL=SYN,FIN><DATA=5>', '<SEQ=0><ACK=14><CTL=RST,ACK>'],
  ['<SEQ=7><ACK=9><CTL=ACK><DATA=3>', '<SEQ=9><CTL=RST>'],
  ['<SEQ=7><ACK=9><CTL=SYN,ACK>', '<SEQ=9><CTL=RST>'],
  ['<SEQ=7><DATA=3>', '<SEQ=0><ACK=10><CTL=RST,ACK>'],
  ['<SEQ=7><ACK=9><CTL=RST,ACK>', ''],
];

it.each(CLOSED)('in CLOSED, %s is answered by "%s" [RFC 9293 3.10.7.1]', (segment, answer) => {
  const bench = inState('ESTABLISHED');
  bench.arrives(`<SPORT=9>${segment}`);
  const [seen] = bench.sent();
  if (answer === '') return expect(seen).toBeUndefined();
  const { iss, irs } = bench.frame;
  const { seq, ack, rst } = seen?.header ?? { seq: 0, ack: 0, rst: false };
  const written = `<SEQ=${segment.includes('ACK=') ? (seq - iss) | 0 : seq}>`;
  const acked = ack === undefined ? '<CTL=RST>' : `<ACK=${(ack - irs) | 0}><CTL=RST,ACK>`;
  expect([written + acked, rst]).toEqual([answer, true]);
});

const LISTEN: readonly [segment: string, answer: string][] = [
  ['<SEQ=7><CTL=RST>', ''],
  ['<SEQ=7><ACK=9><CTL=RST,ACK>', ''],
  ['<SEQ=7><CTL=SYN,RST>', ''],
  ['<SEQ=7><ACK=9><CTL=ACK>', '<SEQ=9><CTL=RST>'],
  ['<SEQ=7><ACK=9><CTL=SYN,ACK>', '<SEQ=9><CTL=RST>'],
  ['<SEQ=7><CTL=FIN>', ''],
  ['<SEQ=7><DATA=5>', ''],
  ['<SEQ=0><CTL=SYN>', '<SEQ=0><ACK=1><CTL=SYN,ACK>'],
  ['<SEQ=0><CTL=SYN><DATA=5>', '<SEQ=0><ACK=1><CTL=SYN,ACK>'],
];

it.each(LISTEN)('in LISTEN, %s is answered by "%s" [RFC 9293 3.10.7.2]', (segment, answer) => {
  const bench = new Bench().listen().arrives(segment);
  bench.sends(...(answer === '' ? [] : [answer]));
  expect(bench.host.tcp.size).toBe(answer.includes('SYN') ? 1 : 0);
});
