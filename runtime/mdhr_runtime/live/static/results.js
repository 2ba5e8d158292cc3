// Results as the server sends them, and their times.

// From [frame, timestamp, final, [[face, [scores in ten-thousandths], context, person, quality, flaw], …]].
export function toResult([frame, time, final, faces]) {
  const toFace = ([id, numbers, context, person, quality, flaw]) => {
    return [id, { scores: numbers?.map((number) => number / 10000), context, person, quality, flaw }];
  };
  return { frame, time: time ?? 0, final: Boolean(final), faces: new Map(faces.map(toFace)) };
}

// Rises with the frame, and when its final scores take the place of the provisional ones.
export function edition(result) {
  return result ? result.frame + (result.final ? 0.5 : 0) : -1;
}

// A time of the source: 0:42, 1:02:03, with digits after the seconds where these are too coarse.
export function clock(time, digits = 0) {
  const cut = Math.floor(time * 10 ** digits + 1e-6) / 10 ** digits;
  const [hours, minutes] = [Math.floor(cut / 3600), Math.floor(cut / 60) % 60];
  const seconds = (cut % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}
