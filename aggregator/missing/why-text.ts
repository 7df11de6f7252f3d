// The reasons as sentences for /debug/missing and the log.
import type { HpaWhy, NodeWhy, PodWhy } from './why.ts';

export function sayNode(why: NodeWhy): string {
  switch (why.reason) {
    case 'no_agent':
      return `no agent has pushed since this aggregator began${saySubstitute(why.kubelet)}`;
    case 'agent_silent':
      return `its agent is silent since ${instant(why.sinceMs)}${saySubstitute(why.kubelet)}`;
    case 'push_refused':
      return `its agent's pushes are refused, last at ${instant(why.atMs)}: ${why.code}: ${why.message}`;
    case 'kubelet_scrape_failed':
      return `no living agent, and its kubelet can't be scraped since ${instant(why.sinceMs)}: ${why.why}: ${why.detail}`;
    case 'younger_than_first_value':
      return 'read once so far: a rate needs two readings';
    case 'not_reported':
      return 'its agent or kubelet reports nothing of the node itself';
    case 'clock_skew':
      return `its clock is off by ${seconds(why.skewMs)}: its readings look too old to be served`;
    case 'stale_readings':
      return `its readings are ${seconds(why.ageMs)} old`;
    case 'store_full':
      return 'the aggregator has no room for more';
  }
}

export function sayPod(why: PodWhy): string {
  switch (why.reason) {
    case 'not_scheduled':
      return 'not scheduled to a node';
    case 'container_not_started':
      return `no container runs; ${why.container}${why.waiting === '' ? ' has not started' : `: ${why.waiting}`}`;
    case 'younger_than_first_value':
      return `container ${why.container} is too young for a rate, which needs two readings`;
    case 'not_reported':
      return `the node's agent or kubelet does not report container ${why.container}: it has just started, or its cgroup is not found`;
    case 'store_full':
      return `the aggregator has no room for container ${why.container}`;
    case 'stale_readings':
      return `the readings of container ${why.container} are ${seconds(why.ageMs)} old`;
    case 'node':
      return `node ${why.node}: ${sayNode(why.because)}`;
  }
}

export function sayHpa(why: HpaWhy): string {
  switch (why.reason) {
    case 'target_not_found':
      return 'what it scales does not exist';
    case 'selector_unknown':
      return `whom it scales could not be found out: ${why.detail}`;
    case 'selector_empty':
      return 'the selector of what it scales is empty';
    case 'selector_matches_nothing':
      return `no pod matches ${why.selector}`;
    case 'request_missing':
      return `container ${why.container} of pod ${why.pod} has no ${why.resource} request to take a percentage of`;
    case 'container_absent':
      return `pod ${why.pod} has no container ${why.container}`;
    case 'pods_not_ready':
      return `no pod with metrics is ready, of ${why.count}`;
    case 'metrics_missing':
      return `no ready pod has metrics, of ${why.count} that run; ${why.pod}: ${sayPod(why.because)}`;
    case 'controller':
      return why.message === '' ? 'its controller has not evaluated it yet' : `its controller says: ${why.message}`;
  }
}

function saySubstitute(kubelet: 'agent' | 'due' | 'first' | 'scraped' | 'failed' | undefined): string {
  switch (kubelet) {
    case undefined:
      return '';
    case 'agent':
      return '; its kubelet is asked if that lasts';
    case 'due':
      return '; its kubelet is being asked';
    case 'first':
      return '; its kubelet was asked once: a rate needs two readings';
    case 'scraped':
      return "; its kubelet's numbers are on their way";
    case 'failed':
      return "; its kubelet can't be scraped";
  }
}

function instant(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
