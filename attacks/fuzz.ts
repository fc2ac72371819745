/** `npm run fuzz [runs]`: every target with 10,000,000 inputs that are nearly right (attacks.md A9, A11, B9 to B11). */
import { FUZZ_TARGETS, fuzz } from './fuzz-targets.ts';

const runs = Number(process.argv[2] ?? 10_000_000);
for (const target of FUZZ_TARGETS) {
  const began = performance.now();
  const taken = fuzz(target, runs, 9);
  const seconds = (performance.now() - began) / 1_000;
  console.log(`${target.name}: ${runs} runs in ${seconds.toFixed(1)} s, 0 throws, ${taken} taken`);
}
