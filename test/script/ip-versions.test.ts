import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findScripts } from '../../script/node/script-files.ts';
import { parseScript, runScript, textReport } from '../../script/script.ts';

const folder = fileURLToPath(new URL('../scripts', import.meta.url));

/** Scripts whose peer announces no MSS: 536 over IPv4, 1,220 over IPv6 [RFC 9293 MUST-15], `ipv6/` has their like; and those that tell the MTU. */
const SIZES: readonly string[] = [
  'black-hole/found.pkt',
  'black-hole/smaller-yet.pkt',
  'black-hole/sooner.pkt',
  'congestion/iw-small-segments.pkt',
  'fast-open/client-without-cookie.pkt',
  'handshake/passive-open-plain.pkt',
  'info/idle.pkt',
];

/** Runs all scripts that name no version: what passed, what failed, and what is of IPv4. */
function runAll(
  ipVersion: 'ipv6' | 'ipv4-mapped-ipv6',
  left = /^$/,
): {
  passed: number;
  failed: string[];
  ofIPv4: string[];
} {
  const failed: string[] = [];
  const ofIPv4: string[] = [];
  let passed = 0;
  for (const path of findScripts([folder])) {
    const text = readFileSync(path, 'utf8');
    if (parseScript(text).options.some(({ name }) => name === 'ip_version')) continue;
    const name = relative(folder, path);
    if (left.test(name)) continue;
    if (ipVersion === 'ipv6' && SIZES.includes(name)) {
      ofIPv4.push(name);
      continue;
    }
    const result = runScript(text, { name, ipVersion });
    if (result.status === 'passed') passed += 1;
    else if (result.status === 'unsupported') ofIPv4.push(name);
    else failed.push(textReport(result));
  }
  return { passed, failed, ofIPv4 };
}

describe('scripts that name no version of IP', () => {
  it('pass over IPv6 with an MTU that is 20 bytes more, but for those about IPv4', () => {
    const { passed, failed, ofIPv4 } = runAll('ipv6');
    console.log(`over IPv6: ${passed} passed, ${ofIPv4.length} of IPv4`);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(500);
    expect(ofIPv4.filter((name) => !/^(icmp|ip|fast-open|path-mtu)\//.test(name))).toEqual([
      'black-hole/found.pkt',
      'black-hole/smaller-yet.pkt',
      'black-hole/sooner.pkt',
      'checks/bad-checksum.pkt',
      'congestion/iw-small-segments.pkt',
      'ecn/tos.pkt',
      'handshake/bind-port.pkt',
      'handshake/passive-open-plain.pkt',
      'info/idle.pkt',
      'sack/type-of-service.pkt',
    ]);
  });

  it('pass over IPv4 with a socket of IPv6', () => {
    const { passed, failed, ofIPv4 } = runAll('ipv4-mapped-ipv6', /^(matrix|long)\//);
    expect(failed).toEqual([]);
    expect(ofIPv4).toEqual(['handshake/bind-port.pkt']);
    expect(passed).toBeGreaterThan(300);
  });
});
