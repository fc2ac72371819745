import { describe, expect, it } from 'vitest';
import type { Instant } from '../../stack/time.ts';
import { parseScript } from '../../script/language/parse-script.ts';
import { buildPacket } from '../../script/packets/build.ts';
import { ConnectionChecks, packetProblems } from '../../script/packets/checks.ts';
import { readPacket, type LivePacket, type LiveTcp } from '../../script/packets/live-packet.ts';
import { ScriptConnection } from '../../script/packets/mapping.ts';
import { parseIPv4, type IPv4Address } from '../../stack/wire/address.ts';

const remote = parseIPv4('10.0.0.1') ?? (0 as IPv4Address);
const local = parseIPv4('10.0.0.2') ?? (0 as IPv4Address);

/** The packet that a line injects, as if the stack had sent it. */
function packet(line: string, change: (bytes: Uint8Array) => void = () => {}): LivePacket {
  const event = parseScript(`0 < ${line}`).events[0];
  if (event?.action.type !== 'packet') throw new Error('no packet');
  const connection = new ScriptConnection('', 8080, 40_000);
  const bytes = buildPacket(event.action, connection, { remote, local }, event.position);
  bytes[6] = 0x40; // DF
  fixIp(bytes);
  change(bytes);
  return readPacket(bytes, 0 as Instant);
}

function fixIp(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  view.setUint16(10, 0);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  view.setUint16(10, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
}

function tcp(line: string): LiveTcp {
  const found = packet(line).tcp;
  if (found === undefined) throw new Error('no segment');
  return found;
}

describe('each packet', () => {
  it('is right by itself', () => {
    expect(packetProblems(packet('P. 1:101(100) ack 1 win 5'), { mtu: 1500 })).toEqual([]);
  });

  it.each<[string, (bytes: Uint8Array) => void, string]>([
    ['payload', (bytes) => (bytes[45] = 1), 'wrong TCP checksum'],
    ['IP checksum', (bytes) => (bytes[10] = (bytes[10] ?? 0) ^ 1), 'wrong IPv4 header checksum'],
    [
      'DF',
      (bytes) => {
        bytes[6] = 0;
        fixIp(bytes);
      },
      'TCP without DF',
    ],
    [
      'total length',
      (bytes) => {
        bytes[3] = (bytes[3] ?? 0) - 1;
        fixIp(bytes);
      },
      'IPv4 total length 139, but the packet has 140 bytes',
    ],
  ])('with a wrong %s', (_, change, problem) => {
    expect(packetProblems(packet('P. 1:101(100) ack 1 win 5', change), { mtu: 1500 }).join()).toContain(
      problem,
    );
  });

  it('may not be larger than the MTU', () => {
    expect(packetProblems(packet('P. 1:101(100) ack 1 win 5'), { mtu: 139 })).toEqual([
      '140 bytes, more than the MTU of 139',
    ]);
  });
});

describe('each segment of a connection', () => {
  /** A connection whose handshake is over: the stack's ISS is 0, the remote's 1000. */
  function established(): ConnectionChecks {
    const checks = new ConnectionChecks();
    checks.injected(tcp('S 1000:1000(0)! win 500'));
    expect(checks.sent(tcp('S. 0:0(0)! ack 1001 win 500'))).toEqual([]);
    checks.injected(tcp('. 1001:1001(0)! ack 1 win 500'));
    return checks;
  }

  it('agrees with what was sent and offered', () => {
    expect(established().sent(tcp('P. 1:501(500)! ack 1001 win 5'))).toEqual([]);
  });

  it.each([
    ['P. 1:502(501)! ack 1001 win 5', 'lies beyond the offered window'],
    ['. 1:1(0)! ack 1002 win 5', 'it acknowledges 1002, but no more than 1001 was sent to it'],
    ['. 1:1(0)! ack 1001 win 5 <mss 1000>', 'option 2 on a segment without SYN'],
    ['. 1:1(0)! ack 1001 win 5 urg 3', 'an urgent pointer (3) without the URG flag'],
    ['P 1:1(0)! ack 1001 win 5', 'an ack number (1001) without the ACK flag'],
    ['. 1:1(0)! ack 1001 win 5 <wscale 15,nop>', 'window scale 15'],
    ['. 1:1(0)! ack 1001 win 5 <TS val 1 ecr 2!,nop,nop>', 'TS ecr 2 is no TSval that was received'],
  ])('%s', (line, problem) => {
    expect(established().sent(tcp(line)).join('; ')).toContain(problem);
  });

  it('acknowledges no less than before, and sends nothing behind its FIN', () => {
    const checks = established();
    checks.injected(tcp('P. 1001:1011(10)! ack 1 win 500'));
    expect(checks.sent(tcp('F. 1:11(10)! ack 1011 win 5'))).toEqual([]);
    expect(checks.sent(tcp('P. 11:14(3)! ack 1001 win 5')).join('; ')).toBe(
      'data beyond the FIN [RFC 9293 3.6]; its ack number goes back from 1011 to 1001',
    );
  });

  it('has timestamps once they were agreed', () => {
    const checks = new ConnectionChecks();
    checks.injected(tcp('S 1000:1000(0)! win 500 <TS val 9 ecr 0,nop,nop>'));
    checks.sent(tcp('S. 0:0(0)! ack 1001 win 500 <TS val 7 ecr 9!,nop,nop>'));
    expect(checks.sent(tcp('. 1:1(0)! ack 1001 win 5'))).toEqual([
      'timestamps were agreed, but it has none [RFC 7323 3.2]',
    ]);
    expect(checks.sent(tcp('R. 1:1(0)! ack 1001 win 5'))).toEqual([]);
  });
});
