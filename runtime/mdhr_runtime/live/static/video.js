// Shows the newest picture of a source. The next one is asked for when the last one is shown: a slow network gets fewer
// pictures, never older ones, and nothing piles up.

const INTERVAL = 1000 / 15;
const PATIENCE = 10000;

export class Video {
  constructor(canvas, index) {
    this.canvas = canvas;
    this.index = index;
    this.shown = -1;
    this.wanted = -1;
    this.busy = false;
    this.held = false;
  }

  want(frame) {
    this.wanted = Math.max(this.wanted, frame);
    if (!this.busy) this.#run();
  }

  hold(held) {
    this.held = held;
    if (!held && !this.busy) this.#run();
  }

  async #run() {
    this.busy = true;
    while (this.wanted > this.shown && !this.held && !document.hidden) {
      const next = performance.now() + INTERVAL;
      try {
        await this.#load();
      } catch {
        break; // the stream of events tells what is wrong, and its next result tries again
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(next - performance.now(), 0)));
    }
    this.busy = false;
  }

  async #load() {
    const answer = await fetch(`pictures/${this.index}.jpg?after=${this.shown}`, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status !== 200) {
      if (answer.status === 204) return;
      throw new Error(answer.statusText);
    }
    const picture = await createImageBitmap(await answer.blob());
    if (this.held) return picture.close();
    if (this.canvas.width !== picture.width) this.canvas.width = picture.width;
    if (this.canvas.height !== picture.height) this.canvas.height = picture.height;
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    this.shown = Number(answer.headers.get("X-Frame"));
    this.canvas.dataset.frame = this.shown;
    return undefined;
  }
}
