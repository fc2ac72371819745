import { PROGRAMS, runProgram } from './programs.ts';
import { removeNamespaces } from './namespaces.ts';
process.on('exit', removeNamespaces);
for (const row of PROGRAMS)
  if (new RegExp(process.argv[2] ?? '').test(row.id)) console.log(JSON.stringify(await runProgram(row)));
