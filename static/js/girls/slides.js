/* What the lightbox shows, read from the page: every picture that can be opened, in its order, with its place. */

/** The pictures below a list; its places are counted from `first`, locked ones with them. */
export function slides(list) {
  const first = Number(list?.dataset.first);
  return [...(list?.children ?? [])].flatMap((row, index) => {
    const link = row.querySelector("[data-item]");
    return link ? [slide(link, first ? first + index : 0)] : [];
  });
}

/** "4 of 15"; nothing where the places are not known. */
export const counter = ({ place }, total) => (place && total ? `${place} of ${total}` : "");

/** Where the item of this id is among the slides; -1 when it is not there any more. */
export const indexOf = (all, id) => all.findIndex((one) => one.id === id);

function slide(link, place) {
  const picture = link.querySelector("img");
  const { item, width, height, caption, ai, video } = link.dataset;
  return {
    id: item,
    place,
    ...(video === undefined ? { src: link.href } : { type: "html", film: link.href }),
    msrc: picture.currentSrc,
    width: Number(width),
    height: Number(height),
    alt: picture.alt,
    caption: caption === undefined ? "" : picture.alt,
    ai: ai !== undefined,
    thumb: picture,
  };
}
