/** Runs one measurement: `node child.js BENCH/SUBJECT OPTIONS`, options and result as JSON. */
import type { MeasureOptions } from './bench.ts';
import { measures } from './measures.ts';

const [name = '', options = '{}'] = process.argv.slice(2);
const measure = measures[name];
if (measure === undefined) throw new Error(`there is no measurement '${name}'`);
console.log(JSON.stringify(await measure(JSON.parse(options) as MeasureOptions)));
process.exit(0);
