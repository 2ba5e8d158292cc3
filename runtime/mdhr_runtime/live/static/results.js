// Results as the server sends them, and their times.

// From [frame, timestamp, final, [[face, [scores in ten-thousandths]], …]].
export function toResult([frame, time, final, faces]) {
  const scores = new Map(faces.map(([id, numbers]) => [id, numbers.map((number) => number / 10000)]));
  return { frame, time: time ?? 0, final: Boolean(final), faces: scores };
}

// Rises with the frame, and when its final scores take the place of the provisional ones.
export function edition(result) {
  return result ? result.frame + (result.final ? 0.5 : 0) : -1;
}

// A time of the source: 0:42, 1:02:03, with tenths where seconds are too coarse.
export function clock(seconds, digits = 0) {
  const whole = Math.floor(seconds * 10 ** digits + 1e-6) / 10 ** digits;
  const pad = (value, width) => value.toFixed(width > 2 ? digits : 0).padStart(width, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return `${hours ? `${hours}:${pad(minutes, 2)}` : minutes}:${pad(whole % 60, digits ? digits + 3 : 2)}`;
}
