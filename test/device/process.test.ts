import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kernelMissing, type Outcome, runProgram, withNamespace } from './kernel-world.ts';

const DOOR: string = JSON.stringify(join(import.meta.dirname, '../../device/device.ts'));
const PING = `(namespace) => require('node:child_process').spawn('nsenter',
  ['--net=/run/netns/' + namespace, 'ping', '-c3', '-i0.01', '-W0.1', '10.0.0.2'])`;

/** Runs a script in a process of its own, with `openTun`, `namespace` and `ping` at hand. */
function runScript(namespace: string, body: string): Promise<Outcome> {
  const script = `const ping = ${PING};
    import(${DOOR}).then(({ openTun }) => {
      const namespace = ${JSON.stringify(namespace)};
      const open = () => openTun({ networkNamespace: namespace, address: '10.0.0.1/24' });
      ${body}
    });`;
  return runProgram(process.execPath, '--import', 'tsx', '-e', script);
}

describe.skipIf(kernelMissing())('a process with an open TUN device', () => {
  it('ends by itself once the device does not hold it', () =>
    withNamespace(async (namespace) => {
      const body = `const device = open();
        device.attach({ framesArrived() {}, deviceClosed() {} });
        setTimeout(() => { console.log('held'); device.hold(false); }, 50);`;
      expect(await runScript(namespace, body)).toEqual({ code: 0, output: 'held\n' });
    }));

  it('may exit from inside a batch', () =>
    withNamespace(async (namespace) => {
      const body = `open().attach({ framesArrived() { process.exit(7); }, deviceClosed() {} });
        ping(namespace);`;
      expect(await runScript(namespace, body)).toEqual({ code: 7, output: '' });
    }));

  it('hears of an exception of the receiver as uncaught, and the device goes on', () =>
    withNamespace(async (namespace) => {
      const body = `let caught = 0;
        process.on('uncaughtException', (error) => { caught += 1; console.log(error.message); });
        const device = open();
        device.attach({ framesArrived() { if (caught < 2) throw new Error('mine'); device.close(); }, deviceClosed() {} });
        ping(namespace);`;
      expect(await runScript(namespace, body)).toEqual({ code: 0, output: 'mine\nmine\n' });
    }));

  it('runs promises and ticks of the receiver between batches', () =>
    withNamespace(async (namespace) => {
      const body = `const device = open();
        device.attach({
          framesArrived() { Promise.resolve().then(() => { console.log('promise'); device.close(); }); },
          deviceClosed() {},
        });
        ping(namespace);`;
      expect(await runScript(namespace, body)).toEqual({ code: 0, output: 'promise\n' });
    }));

  it('may have devices in worker threads that end, or are ended, with them open', () =>
    withNamespace(async (namespace) => {
      const body = `const { Worker } = require('node:worker_threads');
        const source = (end) => "import('tsx/esm/api').then((tsx) => tsx.register()).then(() => import(" + JSON.stringify(${DOOR}) + ")).then(({ openTun }) => {" +
          "const device = openTun({ networkNamespace: '" + namespace + "' });" +
          "device.attach({ framesArrived() {}, deviceClosed() {} });" + end + "})";
        const main = open();
        main.attach({ framesArrived() {}, deviceClosed() {} });
        const run = (end) => new Promise((done) => {
          const worker = new Worker(source(end), { eval: true });
          worker.on('message', () => worker.terminate());
          worker.on('error', (error) => console.log(error));
          worker.on('exit', done);
        });
        (async () => {
          for (let round = 0; round < 2; round += 1) {
            await Promise.all([
              run("device.hold(false)"),
              run("setTimeout(() => process.exit(0), 20)"),
              run("require('node:worker_threads').parentPort.postMessage('open')"),
            ]);
          }
          console.log('done');
          main.close();
        })();`;
      expect(await runScript(namespace, body)).toEqual({ code: 0, output: 'done\n' });
    }));
});
