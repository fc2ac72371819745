import type { Scenario } from '../../../sim/scenario/scenario.ts';

export const scenario: Scenario = ({ world, seed }) => {
  world.link(world.host('a'), world.host('b'));
  world.run();
  if (seed === 6) throw new Error('six');
};
