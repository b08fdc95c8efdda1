/** @typedef {import('../attache.js').TranscriptEvent} TranscriptEvent */

/** After so many milliseconds of silence somebody's next words get their own head. */
export const groupPause = 5 * 60_000;

/**
 * What is shown of a transcript, in the order of event ids. The same event may come twice: our own text comes from the chat
 * and as the answer to its sending. That a file comes once is the session's promise.
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
   * Takes an event in and answers its place, or -1 if it is not to be shown
   * or stands there already.
   *
   * @param {TranscriptEvent} event
   */
  insert(event) {
    if (event.type === 'notice') return -1;
    let place = this.#events.length;
    while (place > 0 && this.#events[place - 1].event > event.event) place -= 1;
    if (this.#events[place - 1]?.event === event.event) return -1;

    this.#events.splice(place, 0, event);
    return place;
  }

  /** Whether the event there goes on with what stands before it, under the same name and time. @param {number} index */
  follows(index) {
    const event = this.#events[index];
    const before = this.#events[index - 1];
    return before !== undefined && speaks(event) && speaks(before) && event.from.userId === before.from.userId
      && event.visibility === before.visibility && event.at - before.at < groupPause && !this.opensDay(index);
  }

  /** Whether the event there is the first of its day. @param {number} index */
  opensDay(index) {
    const before = this.#events[index - 1];
    return before === undefined || day(before.at) !== day(this.#events[index].at);
  }
}

/** Whether an event is somebody's contribution, not news about the chat. @param {TranscriptEvent} event */
export function speaks(event) {
  return (event.type === 'message' || event.type === 'file') && event.from.userType !== 'SYSTEM';
}

/** @param {number} at */
function day(at) {
  return new Date(at).toDateString();
}
