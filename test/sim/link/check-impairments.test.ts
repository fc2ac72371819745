import { describe, expect, it } from 'vitest';
import { createWorld } from '../../../sim/sim.ts';
import type { LinkOptions } from '../../../sim/sim.ts';
import { ms } from '../../../stack/time.ts';

function link(options: object): () => unknown {
  const world = createWorld({ seed: 1 });
  return () => world.link(world.host('a'), world.host('b'), options as LinkOptions);
}

describe('impairments that make no sense are refused with what to do', () => {
  it.each([
    [
      { delay: { fixed: 20 } },
      'a-b a→b: delay has to be a whole number of microseconds from 0: use ms(20) or seconds(1)',
    ],
    [{ loss: 2 }, 'a-b a→b: loss has to be a number from 0 to 1'],
    [{ duplication: { p: -1 } }, 'a-b a→b: duplication p has to be a number from 0 to 1'],
    [
      { reordering: { p: 0.1 } },
      'a-b a→b: reordering delay has to be a whole number of microseconds from 0: use ms(20) or seconds(1)',
    ],
    [{ losses: 0.1 }, "there is no impairment 'losses'; there are delay, jitter, loss"],
  ])('%j', (options, message) => {
    expect(link(options)).toThrow(message);
  });

  it('also in a change later on', () => {
    const world = createWorld({ seed: 1 });
    const made = world.link(world.host('a'), world.host('b'), { delay: ms(1) });
    expect(() => made['a→b'].configure({ loss: -1 })).toThrow('loss has to be a number from 0 to 1');
  });
});

it('loss may be a plain probability', () => {
  const lost = (loss: LinkOptions['loss']): readonly string[] => {
    const world = createWorld({ seed: 3 });
    const a = world.host('a');
    const b = world.host('b');
    world.link(a, b, { delay: ms(1), ...(loss !== undefined && { loss }) });
    b.listen(80);
    a.connect(b, 80).send(new Uint8Array(100_000)).end();
    world.run();
    return world.plan.entries.map(({ key }) => key);
  };
  expect(lost(0.05).length).toBeGreaterThan(0);
  expect(lost(0.05)).toEqual(lost({ model: 'independent', p: 0.05 }));
});
