import { startSweepWorker } from '../../../sim/node/bullmq.ts';

const [port = '', folder = ''] = process.argv.slice(2);
const worker = await startSweepWorker({
  redis: { host: '127.0.0.1', port: Number(port) },
  folder,
  lockDuration: 2_000,
  stalledInterval: 1_000,
});
process.stdout.write('ready\n');
process.once('SIGTERM', () => void worker.close().then(() => process.exit(0)));
