/* What of a picture a square shows: pure arithmetic, in pixels of the picture. */

export const MOST = 4; // times closer than the whole width

/** The largest square, in the middle. */
export const begin = (width, height) => ({ width, height, zoom: 1, x: width / 2, y: height / 2 });

/** The side of what is shown. */
export const sideOf = ({ width, height, zoom }) => Math.min(width, height) / zoom;

/** What is shown: its left and top edge, and its side. */
export function shown(crop) {
  const side = sideOf(crop);
  return { left: crop.x - side / 2, top: crop.y - side / 2, side };
}

/** Looking elsewhere, by parts of what is shown: never past an edge. */
export const moved = (crop, across, down) => kept({ ...crop, x: crop.x + across * sideOf(crop), y: crop.y + down * sideOf(crop) });

/** Looking closer or from further off, at the same middle. */
export const zoomed = (crop, zoom) => kept({ ...crop, zoom: Math.min(Math.max(zoom || 1, 1), MOST) });

function kept(crop) {
  const half = sideOf(crop) / 2;
  const within = (at, length) => Math.min(Math.max(at, half), length - half);
  return { ...crop, x: within(crop.x, crop.width), y: within(crop.y, crop.height) };
}
