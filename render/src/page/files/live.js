// Asks again and again while somebody looks: not in a hidden tab, and never twice at the same time.

export class Live {
  /** `run(signal)` does the work; what is out of date is aborted through the signal. */
  constructor(run) {
    this.run = run;
    this.seconds = 0;
    this.timer = 0;
    this.running = null;
    this.left = new AbortController();
    document.addEventListener("visibilitychange", () => this.seen(), { signal: this.left.signal });
  }

  /** Seconds between the end of one run and the begin of the next; 0 stops. */
  every(seconds) {
    this.seconds = seconds;
    this.wait();
  }

  /** Runs now, in the place of a run under way. */
  async now() {
    clearTimeout(this.timer);
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    this.last = Date.now();
    try {
      await this.run(running.signal);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      if (this.running === running) {
        this.running = null;
        this.wait();
      }
    }
  }

  /** Ends for good. */
  end() {
    clearTimeout(this.timer);
    this.seconds = 0;
    this.running?.abort();
    this.left.abort();
  }

  wait() {
    clearTimeout(this.timer);
    if (this.seconds && !this.running && !document.hidden) this.timer = setTimeout(() => this.now(), this.seconds * 1000);
  }

  seen() {
    if (document.hidden) clearTimeout(this.timer);
    else if (this.seconds && Date.now() - (this.last || 0) > this.seconds * 1000) this.now();
    else this.wait();
  }
}
