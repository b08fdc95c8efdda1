/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */

/** Milliseconds without a contribution after which the same party's next one gets a new head. */
export const groupPause = 5 * 60_000;

/**
 * The events that the transcript shows, in the order of their ids. The same event may
 * come twice: one's own text comes from the chat and as the answer to sending it. The
 * session makes sure that a file comes once.
 */
export class Thread {
  /** @type {TranscriptEvent[]} */
  #events = [];

  get length() {
    return this.#events.length;
  }

  /** @param {number} index */
  at(index) {
    return this.#events[index];
  }

  /**
   * Inserts an event and returns its index, or -1 if it is not shown or is there already.
   *
   * @param {TranscriptEvent} event
   */
  insert(event) {
    if (!isShown(event)) return -1;

    let index = this.#events.length;
    while (index > 0 && this.#events[index - 1].event > event.event) index -= 1;
    if (this.#events[index - 1]?.event === event.event) return -1;

    this.#events.splice(index, 0, event);
    return index;
  }

  /** Reports whether the event there belongs to the group of the one before it, under the same name and time. @param {number} index */
  follows(index) {
    const event = this.#events[index];
    const before = this.#events[index - 1];
    return before !== undefined && isContribution(event) && isContribution(before) && event.from.userId === before.from.userId
      && event.visibility === before.visibility && event.receiver === before.receiver && event.at - before.at < groupPause && !this.opensDay(index);
  }

  /** Reports whether the event there is the first of its day. @param {number} index */
  opensDay(index) {
    const before = this.#events[index - 1];
    return before === undefined || day(before.at) !== day(this.#events[index].at);
  }
}

/** Reports whether an event has a place in the transcript as people see it. @param {TranscriptEvent} event */
function isShown({ type }) {
  return ['join', 'leave', 'message', 'file', 'nickname', 'url', 'idle'].includes(type);
}

/** Reports whether an event is a party's text or file, and not news about the chat. @param {TranscriptEvent} event */
export function isContribution(event) {
  if (event.type === 'message' && event.treatAs === 'SYSTEM') return false;
  return (event.type === 'message' || event.type === 'file') && event.from.userType !== 'SYSTEM';
}

/** @param {number} at */
function day(at) {
  return new Date(at).toDateString();
}
