// One fetch at a time for any number of callers. `work` keeps the result itself, and never rejects.

/** Every caller waits for the same promise. */
export function sharedFlight(work) {
  let running;
  const start = () => (running ??= work().finally(() => { running = undefined; }));
  return { isUnderway: () => running !== undefined, start, join: start };
}

/** How long callers wait for a flight before one of them starts another: its request may have been cancelled. */
const LEASE_MS = 1_000;
const POLL_MS = 10;

/**
 * For workerd, where a request that awaits a promise of another request is cancelled or waits forever. So the callers share no promise:
 * one leads, the others poll on their own timers. `keepAlive` lets the leader's fetch outlive its request.
 */
export function leasedFlight(keepAlive) {
  return (work) => {
    let leasedUntil = -Infinity;
    let landings = 0;
    const isUnderway = () => Date.now() < leasedUntil;
    const lead = () => {
      leasedUntil = Date.now() + LEASE_MS;
      const flight = work().finally(() => {
        landings += 1;
        leasedUntil = -Infinity;
      });
      keepAlive(flight);
      return flight;
    };
    const join = async () => {
      const seen = landings;
      let own;
      while (landings === seen) {
        if (!isUnderway()) own = lead();
        await Promise.race(own === undefined ? [pause()] : [pause(), own]);
      }
    };
    return { isUnderway, start: () => { if (!isUnderway()) lead(); }, join };
  };
}

function pause() {
  return new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
}
