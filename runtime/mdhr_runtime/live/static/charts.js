// One card per face: a table of AUs with their scores, and one canvas across all of its rows with their course.

import { clock } from "./results.js";

const GAP = 1; // seconds without the face that break a line,
const GAP_FRAMES = 5; // if they are no fewer frames of the source
const MOST_POINTS = 20000; // while paused nothing is forgotten, up to here
const STALE = 1; // seconds after which a face counts as gone
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10]; // seconds between the lines of the grid
const MOST_LINES = 6;
const LEAST = 4; // pixels

export class FaceCard {
  constructor(template, { id, source, aus, occursFrom, lookahead, colours }) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.id = id;
    this.source = source;
    this.occursFrom = occursFrom;
    this.lookahead = lookahead;
    this.colours = colours;
    this.gap = Math.max(GAP, source.fps ? GAP_FRAMES / source.fps : 0);
    this.points = []; // {frame, time, final, solid, scores, …}, by frame
    this.visible = true;
    this.element.style.setProperty("order", id);
    this.presence = this.element.querySelector(".presence");
    this.from = this.element.querySelector(".from");
    this.to = this.element.querySelector(".to");
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `Scores of face ${id} over time, one line per action unit`);
    this.rows = aus.map((au, index) => this.#row(au, index, aus.length));
    this.element.querySelector("tbody").append(...this.rows.map((row) => row.element));
    this.#name(null);
  }

  // A person keeps its colour through its faces, as in the video.
  #name(person) {
    if (person === this.person) return;
    this.person = person;
    this.element.style.setProperty("--colour", this.colours[(person ?? this.id) % this.colours.length]);
    const name = person === null ? `Face ${this.id}` : `Person ${person} · Face ${this.id}`;
    this.element.querySelector("h3").textContent = name;
    this.element.setAttribute("aria-label", `${name} of ${this.source.name}`);
  }

  // Frames of the window that are still missing of those that there can be.
  #missing({ final, context }) {
    return context ? (final ? 2 : 1) * this.lookahead + 1 - context : 0;
  }

  #row(au, index, count) {
    const element = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    const meaning = document.createElement("small");
    meaning.textContent = head.title = au.meaning;
    head.append(au.name, meaning);
    element.append(head);
    if (index === 0) {
      const cell = document.createElement("td");
      cell.rowSpan = count;
      cell.append(this.canvas);
      element.append(cell);
    }
    const score = document.createElement("td");
    score.className = "score";
    const value = document.createElement("span");
    score.append(value);
    element.append(score);
    return { element, value };
  }

  // A final result takes the place of the provisional one of the same frame.
  add(point) {
    let index = this.points.length;
    while (index > 0 && this.points[index - 1].frame > point.frame) index -= 1;
    const known = this.points[index - 1]?.frame === point.frame;
    if (known && this.points[index - 1].final) return;
    const solid = point.final && !this.#missing(point);
    this.points.splice(known ? index - 1 : index, known ? 1 : 0, { ...point, solid });
  }

  // Forget what is older than a time. False if nothing is left.
  trim(oldest) {
    const first = this.points.findIndex((point) => point.time >= oldest);
    this.points.splice(0, first < 0 ? this.points.length : first);
    return this.points.length > 0;
  }

  cap() {
    if (this.points.length > MOST_POINTS) this.points.splice(0, this.points.length - MOST_POINTS);
  }

  #last(now) {
    return this.points.findLast((point) => point.time <= now);
  }

  // The numbers: those in the picture, or if the face is not in it, its last ones.
  describe(view) {
    const last = this.#last(view.time);
    const face = view.faces.get(this.id) ?? last;
    const scores = face?.scores ?? last?.scores;
    this.element.hidden = !scores || last?.time < view.from;
    if (this.element.hidden) return;
    const here = view.faces.has(this.id) || view.time - last.time < STALE;
    const active = scores.filter((score) => score >= this.occursFrom).length;
    const missing = this.#missing({ final: view.final, ...face });
    this.#name(face.person);
    this.element.classList.toggle("gone", !here);
    this.element.classList.toggle("unsure", !face.scores || missing > 0);
    this.element.classList.toggle("viewed", face.quality !== null);
    this.element.style.setProperty("--quality", `${100 * face.quality}%`);
    this.presence.title = face.quality === null ? "" : `Quality of the view: ${face.quality.toFixed(2)}`;
    const told = [face.scores ? `${active} active` : "not scored", face.flaw];
    if (missing > 0) told.push(`${face.context} of ${face.context + missing} frames`);
    this.presence.textContent = here ? told.filter(Boolean).join(" · ") : `left at ${clock(last.time)}`;
    const span = view.to - view.from;
    const digits = span > 0 && span < 10 ? 1 : 0;
    this.from.textContent = !span ? "" : view.live ? `${Math.round(span)} s ago` : clock(view.from, digits);
    this.to.textContent = view.live ? "now" : clock(view.to, digits);
    this.rows.forEach((row, index) => {
      // Cut, not rounded: 0.499 must not be shown as 0.50 and not be active.
      row.value.textContent = (Math.floor(scores[index] * 100 + 1e-6) / 100).toFixed(2);
      row.element.classList.toggle("occurs", here && scores[index] >= this.occursFrom);
    });
  }

  draw(view) {
    if (!this.visible) return;
    const scale = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(width * scale);
      this.canvas.height = Math.round(height * scale);
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.canvas);
    const look = {
      line: style.color,
      area: style.getPropertyValue("--colour"),
      grid: style.getPropertyValue("--grid"),
      limit: style.getPropertyValue("--line"),
    };
    const { from, to } = view;
    const x = (time) => (to > from ? (width * (time - from)) / (to - from) : width / 2);
    if (to > from) drawTime(pen, look, x, from, to, height);
    const shown = this.points.filter((point) => point.time >= from - this.gap && point.time <= view.time);
    const least = to > from ? LEAST : width; // a single picture's scores have all of the width
    const rowHeight = height / this.rows.length;
    this.rows.forEach((_, index) => {
      const top = index * rowHeight + 3;
      const bottom = (index + 1) * rowHeight - 3;
      drawLimits(pen, look, width, top, bottom, this.occursFrom);
      for (const run of runs(shown, this.gap)) drawRun(pen, look, columns(run, index, x, least), top, bottom, this.occursFrom);
    });
  }
}

function drawTime(pen, look, x, from, to, height) {
  const step = STEPS.find((each) => (to - from) / each <= MOST_LINES) ?? STEPS.at(-1);
  pen.strokeStyle = look.grid;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
    const at = Math.round(x(time)) + 0.5;
    pen.moveTo(at, 0);
    pen.lineTo(at, height);
  }
  pen.stroke();
}

function drawLimits(pen, look, width, top, bottom, limit) {
  const middle = Math.round(bottom - (bottom - top) * limit) + 0.5;
  pen.strokeStyle = look.limit;
  pen.beginPath();
  pen.moveTo(0, Math.round(bottom) + 0.5);
  pen.lineTo(width, Math.round(bottom) + 0.5);
  pen.stroke();
  pen.setLineDash([2, 3]);
  pen.beginPath();
  pen.moveTo(0, middle);
  pen.lineTo(width, middle);
  pen.stroke();
  pen.setLineDash([]);
}

// Stretches without a gap, solid ones (final, of a whole window) and others apart, which start at the last point before.
function runs(points, longest) {
  const result = [];
  for (const point of points) {
    const current = result.at(-1);
    const previous = current?.points.at(-1);
    const gap = !previous || point.time - previous.time > longest;
    if (gap || current.solid !== point.solid) {
      result.push({ solid: point.solid, points: gap ? [point] : [previous, point] });
    } else {
      current.points.push(point);
    }
  }
  return result;
}

// At most one point per pixel, the highest: a peak stays visible however long the span. What lasts for a moment only is
// drawn at the least width.
function columns(run, index, x, least) {
  const result = [];
  for (const point of run.points) {
    const at = Math.round(x(point.time));
    const last = result.at(-1);
    if (last && last.x === at) last.score = Math.max(last.score, point.scores[index]);
    else result.push({ x: at, score: point.scores[index] });
  }
  const [only] = result;
  if (result.length === 1) result.splice(0, 1, { ...only, x: only.x - least / 2 }, { ...only, x: only.x + least / 2 });
  return { solid: run.solid, points: result };
}

function drawRun(pen, look, run, top, bottom, limit) {
  const y = (score) => bottom - (bottom - top) * score;
  const area = (points) => {
    pen.beginPath();
    pen.moveTo(points[0].x, bottom);
    for (const point of points) pen.lineTo(point.x, y(point.score));
    pen.lineTo(points.at(-1).x, bottom);
    pen.fill();
  };
  pen.fillStyle = look.area;
  pen.strokeStyle = look.line;
  pen.globalAlpha = 0.2;
  area(run.points);
  if (run.solid) {
    pen.globalAlpha = 0.5;
    occurrences(run.points, limit).forEach(area);
  }
  pen.globalAlpha = run.solid ? 1 : 0.55;
  pen.lineWidth = 1.4;
  pen.lineJoin = "round";
  pen.beginPath();
  for (const point of run.points) pen.lineTo(point.x, y(point.score));
  pen.stroke();
  pen.globalAlpha = 1;
}

// Stretches at or above the limit, cut where the line crosses it.
function occurrences(points, limit) {
  const result = [];
  let current = null;
  points.forEach((point, index) => {
    const previous = points[index - 1];
    const inside = point.score >= limit;
    if (previous && inside !== previous.score >= limit) {
      const share = (limit - previous.score) / (point.score - previous.score);
      const crossing = { x: previous.x + (point.x - previous.x) * share, score: limit };
      if (inside) result.push((current = [crossing]));
      else current.push(crossing);
    } else if (inside && !current) {
      result.push((current = []));
    }
    if (inside) current.push(point);
    else current = null;
  });
  return result;
}
