import { describe, expect, it } from 'vitest';
import {
  jsonReport,
  junitReport,
  rewriteScript,
  runScript,
  scriptCapture,
  scriptLadder,
  summary,
  tapReport,
  textReport,
} from '../../script/script.ts';

const TEXT = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
+0 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 9>
+.1 < . 1:1(0) ack 2 win 257
+0 > R 2:2(0)
`;
const failed = runScript(TEXT, { name: 'a<b.pkt' });
const passed = runScript(TEXT.replace('wscale 9', 'wscale 7'), { name: 'good.pkt' });
const unsupported = runScript('0 splice(3) = 0', { name: 'splice.pkt' });
const all = [failed, passed, unsupported];

describe('reports', () => {
  it('as text: expected and actual under each other, the ladder, how to run it again', () => {
    expect(textReport(failed, { again: 'again', capture: 'x.pcapng' })).toMatchInlineSnapshot(`
      "FAIL a<b.pkt (0.15 s, stack, seed 1)
        a<b.pkt:5:4: unexpected wscale
            expected: +0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 9>
            actual:   S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 7>
            variables: state 10
            wscale: expected 9, actual 7

            time  line    script                                           stack
               0     1    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
               0     2    +0 bind(3, ..., ...) = 0
               0     3    +0 listen(3, 5) = 0
               0     4    +0 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7> →
               0     5 ✗  +0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 9>    ← S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 7>
             0.1     6    +.1 < . 1:1(0) ack 2 win 257                    →
             0.1     7    +0 > R 2:2(0)                                   ← R 2:2(0) win 0
        capture: x.pcapng
        again:   again"
    `);
    expect(textReport(passed)).toBe('ok   good.pkt (0.15 s, 5 checks)');
    expect(textReport(unsupported)).toBe('UNSUPPORTED splice.pkt:1:3 system call splice');
    expect(summary(all)).toBe('1 passed, 1 failed, 1 unsupported');
  });

  it('as TAP', () => {
    expect(tapReport(all)).toMatchInlineSnapshot(`
      "TAP version 14
      1..3
      not ok 1 - a<b.pkt
        ---
        failures: |
            a<b.pkt:5:4: unexpected wscale
                expected: +0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 9>
                actual:   S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 7>
                variables: state 10
                wscale: expected 9, actual 7
        ...
      ok 2 - good.pkt
      ok 3 - splice.pkt # SKIP system call splice (line 1)
      "
    `);
  });

  it('as JUnit', () => {
    expect(junitReport(all)).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuite name="scripts" tests="3" failures="1" skipped="1">
        <testcase name="a&lt;b.pkt" classname="script"><failure message="unexpected wscale">  a&lt;b.pkt:5:4: unexpected wscale
            expected: +0 &gt; S. 0:0(0) ack 1 &lt;mss 1460,nop,wscale 9&gt;
            actual:   S. 0:0(0) ack 1 win 65535 &lt;mss 1460,nop,wscale 7&gt;
            variables: state 10
            wscale: expected 9, actual 7</failure></testcase>
        <testcase name="good.pkt" classname="script"></testcase>
        <testcase name="splice.pkt" classname="script"><skipped message="system call splice"/></testcase>
      </testsuite>
      "
    `);
  });

  it('as JSON', () => {
    const { summary: said, results } = JSON.parse(jsonReport(all)) as {
      summary: string;
      results: { status: string; failures: { fields: unknown[] }[] }[];
    };
    expect(said).toBe('1 passed, 1 failed, 1 unsupported');
    expect(results.map(({ status }) => status)).toEqual(['failed', 'passed', 'unsupported']);
    expect(results[0]?.failures[0]?.fields).toEqual([{ field: 'wscale', expected: '9', actual: '7' }]);
  });

  it('as a capture with the lines as comments', () => {
    const text = new TextDecoder().decode(scriptCapture(failed));
    expect(text).toContain('line 4: +0 < S 0:0(0) win 32792');
    expect(text).toContain('line 5: +0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 9> (not as expected)');
  });

  it('as a ladder around the first difference', () => {
    expect(scriptLadder(failed, 1).split('\n')).toHaveLength(4);
  });

  it('as the script that would have passed', () => {
    const text = rewriteScript(failed);
    expect(text).toContain('<mss 1460,nop,wscale 7>');
    expect(runScript(text).status).toBe('passed');
  });
});
