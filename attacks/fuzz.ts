/** `npm run fuzz [runs]`: the option parser against 10,000,000 inputs that are nearly right (attacks.md A9). */
import { parse } from '../stack/wire/tcp-options.ts';
import { seededRandom } from '../sim/random.ts';
import { fuzzedOptions } from './fuzzed-options.ts';

const runs = Number(process.argv[2] ?? 10_000_000);
const random = seededRandom(9, 'options');
const began = performance.now();
let parsed = 0;
for (let run = 0; run < runs; run++) {
  const bytes = fuzzedOptions(random);
  if (typeof parse(new DataView(bytes.buffer), 0, bytes.length) !== 'string') parsed += 1;
}
const seconds = (performance.now() - began) / 1_000;
console.log(`${runs} runs in ${seconds.toFixed(1)} s, 0 throws, ${parsed} parsed`);
