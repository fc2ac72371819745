import { fileURLToPath } from 'node:url';
import { testScripts } from '../../script/node/vitest.ts';

testScripts(fileURLToPath(new URL('../scripts', import.meta.url)));
