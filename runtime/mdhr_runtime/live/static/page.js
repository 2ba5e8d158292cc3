import { FaceCard } from "./charts.js";
import { Video } from "./video.js";

const SILENCE = 4000; // milliseconds without an event after which the connection counts as lost
const RETRY = [500, 1000, 2000, 4000]; // milliseconds between attempts to connect
const REDRAW_TEXT = 200; // milliseconds between updates of numbers: faster ones cannot be read

const STATES = {
  connecting: "Connecting",
  live: "Live",
  paused: "Paused",
  lost: "Disconnected",
  finished: "Finished",
};

const COVERS = {
  waiting: "Waiting for the first frame",
  reconnecting: "The camera is gone. Reconnecting…",
  failed: "This source cannot be read any more",
};

const $ = (id) => document.getElementById(id);

class Source {
  constructor(index, info, hello) {
    this.info = info;
    this.hello = hello;
    this.now = 0; // time of the newest result
    this.view = 0; // time at the charts' right edge
    this.faces = new Map();
    this.element = $("source").content.firstElementChild.cloneNode(true);
    this.list = this.element.querySelector(".faces");
    this.cover = this.element.querySelector(".cover");
    this.figures = Object.fromEntries(
      [...this.element.querySelectorAll("[data-figure]")].map((cell) => [cell.dataset.figure, cell]),
    );
    this.element.setAttribute("aria-label", info.name);
    this.element.querySelector(".name").textContent = info.name;
    this.element.querySelector(".kind").textContent = info.live ? "Camera" : "File";
    const canvas = this.element.querySelector("canvas");
    canvas.setAttribute("aria-label", `Video of ${info.name} with the faces marked`);
    this.video = new Video(canvas, index);
  }

  add(frame, time, final, faces) {
    this.now = Math.max(this.now, time);
    this.video.want(frame);
    for (const [id, thousandths] of faces) {
      this.#card(id).add({ frame, time, final: Boolean(final), scores: thousandths.map((score) => score / 1000) });
    }
  }

  #card(id) {
    if (!this.faces.has(id)) {
      const { aus, occursFrom, colours } = this.hello;
      const colour = colours[id % colours.length]; // as in the video
      const card = new FaceCard($("face"), { id, source: this.info.name, aus, occursFrom, colour });
      this.faces.set(id, card);
      this.list.append(card.element);
      card.element.card = card;
      inSight.observe(card.element);
    }
    return this.faces.get(id);
  }

  forget() {
    for (const [id, card] of this.faces) {
      if (page.paused) {
        card.cap();
      } else if (!card.trim(this.now - this.hello.span)) {
        inSight.unobserve(card.element);
        card.element.remove();
        this.faces.delete(id);
      }
    }
  }

  draw(span) {
    if (!page.paused) this.view = this.now;
    for (const card of this.faces.values()) card.draw(this.view, span);
  }

  describe(span) {
    if (!page.paused) this.view = this.now;
    for (const card of this.faces.values()) card.describe(this.view, span);
    this.figures.faces.textContent = [...this.faces.values()].filter((card) => card.here(this.view)).length;
    this.figures.time.textContent = clock(this.view);
  }

  show({ fps, latency, dropped, state }) {
    quantity(this.figures.fps, fps.toFixed(1), "fps");
    if (latency === null) this.figures.latency.textContent = "–";
    else if (latency < 1) quantity(this.figures.latency, Math.round(latency * 1000), "ms");
    else quantity(this.figures.latency, latency.toFixed(1), "s");
    this.figures.dropped.textContent = dropped ?? "–";
    this.figures.dropped.classList.toggle("alarm", dropped > 0);
    this.cover.textContent = COVERS[state] ?? "";
    this.cover.hidden = !(state in COVERS);
    this.element.querySelector(".kind").textContent = `${this.info.live ? "Camera" : "File"}${state === "ended" ? " · ended" : ""}`;
  }
}

const page = {
  sources: [],
  run: null,
  last: "", // id of the last event with results
  paused: false,
  connection: "connecting",
  attempts: 0,
  stream: null,
  watchdog: 0, // timers
  retry: 0,
  dirty: false,
  described: 0,
};

// Charts that are scrolled out of sight are not drawn.
const inSight = new IntersectionObserver((changes) => {
  for (const change of changes) change.target.card.visible = change.isIntersecting;
  redraw();
});

function begin(hello) {
  page.run = hello.run;
  page.sources = hello.sources.map((info, index) => new Source(index, info, hello));
  inSight.disconnect();
  $("sources").replaceChildren(...page.sources.map((source) => source.element));
  pause(false);
}

function connect() {
  const stream = (page.stream = new EventSource(`events?after=${page.last}`));
  const on = (kind, handle) =>
    stream.addEventListener(kind, (event) => {
      if (stream !== page.stream) return;
      expectMore();
      handle(JSON.parse(event.data), event);
    });
  on("hello", (hello) => {
    page.attempts = 0;
    if (hello.run !== page.run) begin(hello);
    show("live");
  });
  on("rows", (rows, event) => {
    page.last = event.lastEventId;
    for (const [source, ...row] of rows) page.sources[source].add(...row);
    for (const source of page.sources) source.forget();
    redraw();
  });
  on("stats", (stats) => {
    stats.forEach((figures, index) => page.sources[index].show(figures));
    redraw();
  });
  on("bye", () => reconnect("finished"));
  stream.addEventListener("error", () => stream === page.stream && reconnect("lost"));
  expectMore();
}

// A page that nobody sees takes nothing from the box, and none of the few connections that a browser has for it.
function doze() {
  clearTimeout(page.watchdog);
  clearTimeout(page.retry);
  page.stream?.close();
  page.stream = null;
  if (document.hidden) return;
  connect();
  for (const source of page.sources) source.video.hold(page.paused);
}

function expectMore() {
  clearTimeout(page.watchdog);
  page.watchdog = setTimeout(() => reconnect("lost"), SILENCE);
}

// The browser's own way of reconnecting gives up on some errors; a page on a wall must not.
function reconnect(reason) {
  clearTimeout(page.watchdog);
  page.stream?.close();
  page.stream = null;
  if (!page.paused) paint(true);
  // Who knows that the run is over need not be told that nobody answers any more.
  show(page.connection === "finished" ? "finished" : reason);
  page.retry = setTimeout(connect, RETRY[Math.min(page.attempts, RETRY.length - 1)]);
  page.attempts += 1;
}

function show(connection) {
  if (connection !== page.connection) page.changed = new Date();
  page.connection = connection;
  const state = connection === "live" && page.paused ? "paused" : connection;
  if ($("state").dataset.state !== state) {
    $("state").dataset.state = state;
    $("state").textContent = STATES[state];
  }
  document.body.classList.toggle("lost", connection === "lost");
  const since = page.changed?.toLocaleTimeString();
  const text = {
    lost: page.run
      ? `The connection to mdhr-run was lost at ${since}. Trying again…`
      : "mdhr-run does not answer. Trying again…",
    finished: `The run ended at ${since}. This page shows its last results, and goes on when a new run starts here.`,
  }[connection];
  $("notice").hidden = !text;
  $("notice").dataset.tone = connection === "finished" ? "calm" : "alarm";
  if (text && $("notice").textContent !== text) $("notice").textContent = text;
}

function pause(paused) {
  page.paused = paused;
  $("pause").setAttribute("aria-pressed", paused);
  for (const source of page.sources) source.video.hold(paused);
  show(page.connection);
  redraw();
}

function redraw() {
  if (page.dirty || page.paused) return;
  page.dirty = true;
  requestAnimationFrame((time) => {
    page.dirty = false;
    if (page.paused) return;
    paint(time - page.described > REDRAW_TEXT);
    if (time - page.described > REDRAW_TEXT) page.described = time;
  });
}

function paint(withText) {
  const span = Number($("span").value);
  for (const source of page.sources) {
    if (withText) source.describe(span);
    source.draw(span);
  }
}

function quantity(cell, value, unit) {
  const small = document.createElement("small");
  small.textContent = unit;
  cell.replaceChildren(`${value} `, small);
}

function clock(seconds) {
  const pad = (value) => String(Math.floor(value)).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return `${hours ? `${hours}:` : ""}${pad((seconds / 60) % 60)}:${pad(seconds % 60)}`;
}

$("pause").addEventListener("click", () => pause(!page.paused));
$("span").addEventListener("change", () => paint(true));
window.addEventListener("resize", () => paint(false));
document.addEventListener("visibilitychange", doze);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint(true));
connect();
