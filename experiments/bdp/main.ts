/** `npm run bdp`: 10 Gbit/s over 100 ms in the world, into docs/netsim.md. */
import { parseArgs } from 'node:util';
import { seconds } from '../../stack/time.ts';
import { intoDocument } from '../document.ts';
import { markdownTable } from '../statistics.ts';
import { VARIANTS, variant } from '../variants.ts';
import { LARGE, largePath } from './bdp.ts';

const HELP = `npm run bdp -- [options]
  --variant NAME   only this congestion control (may be given more than once)
  --seconds N      virtual seconds (10)
  --mtu N          bytes of an IP packet (both 1500 and 9000)
  --print          prints, and leaves the document alone
`;

const { values: options } = parseArgs({
  options: {
    variant: { type: 'string', multiple: true },
    seconds: { type: 'string', default: '10' },
    mtu: { type: 'string', multiple: true, default: ['1500', '9000'] },
    print: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}

function table(): string {
  const rows = (options.variant?.map(variant) ?? VARIANTS).flatMap(({ name, tcp }) =>
    options.mtu.map((mtu) => {
      const begun = performance.now();
      const result = largePath({ ...LARGE, mtu: Number(mtu), lasts: seconds(Number(options.seconds)), tcp });
      const took = (performance.now() - begun) / 1000;
      process.stderr.write(`${name}: ${result.use.map((share) => share.toFixed(3)).join(' ')}\n`);
      return [
        name,
        mtu,
        result.rampUp === undefined ? 'never' : `${(result.rampUp / 1e6).toFixed(1)} s`,
        result.steady.toFixed(3),
        String(result.drops),
        mib(result.cwnd),
        mib(result.receiveBuffer),
        mib(result.sendBuffer),
        took.toFixed(0),
      ];
    }),
  );
  const sizes = ['cwnd', 'receive buffer', 'send buffer'].map((each) => `${each}, MiB`);
  return markdownTable(['', 'MTU', '90 % after', 'mean of the rest', 'drops', ...sizes, 'real s'], rows);
}

if (options.help) {
  console.log(HELP);
} else {
  const text = table();
  console.log(text);
  if (!options.print) intoDocument('netsim', 'bdp', text);
}
