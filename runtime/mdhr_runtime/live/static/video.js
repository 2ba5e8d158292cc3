// Shows the newest picture of a source. The next one is asked for when the last one is shown: a slow network gets fewer
// pictures, never older ones, and nothing piles up. Each picture comes with the result that is drawn in it.

import { edition, toResult } from "./results.js";

const INTERVAL = 1000 / 15;
const PATIENCE = 10000;

export class Video {
  constructor(canvas, index, onChange) {
    this.canvas = canvas;
    this.index = index;
    this.onChange = onChange; // called when another picture is shown
    this.result = null; // what the picture shows, as long as pictures can be had
    this.latest = null; // the last result of which the picture was fetched
    this.next = null; // a picture that is fetched and not shown yet
    this.wanted = -1; // edition
    this.held = this.ending = this.failed = false;
    this.work = null;
  }

  want(result) {
    this.wanted = Math.max(this.wanted, edition(result));
    this.#start();
  }

  hold(held) {
    this.held = held;
    this.#show();
    this.#start();
  }

  // Fetches the last picture even while held: soon nobody will answer. Resolves when that is done.
  finish() {
    this.ending = true;
    return this.#start();
  }

  #start() {
    this.work ??= this.#run().finally(() => (this.work = null));
    return this.work;
  }

  async #run() {
    while (this.wanted > edition(this.latest) && (!this.held || this.ending) && !document.hidden) {
      const next = performance.now() + INTERVAL;
      try {
        await this.#load();
        this.failed = false;
      } catch {
        // The stream of events tells what is wrong, and its next result tries again.
        if (this.failed) this.result = null;
        this.failed = true;
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(next - performance.now(), 0)));
    }
  }

  async #load() {
    const after = this.latest ? `${this.latest.frame},${Number(this.latest.final)}` : "";
    const answer = await fetch(`pictures/${this.index}.jpg?after=${after}`, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.status === 204) return;
    if (answer.status !== 200) throw new Error(answer.statusText);
    const picture = await createImageBitmap(await answer.blob());
    this.next?.picture.close();
    this.latest = toResult(JSON.parse(answer.headers.get("X-Result")));
    this.next = { picture, result: this.latest };
    this.#show();
  }

  #show() {
    if (this.held || !this.next) return;
    const { picture, result } = this.next;
    if (this.canvas.width !== picture.width) this.canvas.width = picture.width;
    if (this.canvas.height !== picture.height) this.canvas.height = picture.height;
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    this.next = null;
    this.result = result;
    this.canvas.dataset.frame = result.frame;
    this.onChange();
  }
}
