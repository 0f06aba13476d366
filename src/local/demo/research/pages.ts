/**
 * The web of the research demo: short pages about lighthouses, the only pages its search engine knows. Heights are
 * those of the light above high water, ranges are in nautical miles. Figures are rounded and not for navigation.
 */
export interface Page {
  /** The last part of its URL. */
  name: string;
  title: string;
  paragraphs: readonly string[];
  /** Whether it is a PDF, with a page for each paragraph. */
  isPdf?: boolean;
}

export const PAGES: readonly Page[] = [
  {
    name: "geographic-range",
    title: "The geographic range of a light",
    paragraphs: [
      "The sea is curved, and beyond some distance it hides even the brightest lamp. That distance is the geographic range of a light. It depends on two heights alone: that of the light and that of the eye.",
      "With both heights in metres, a rule that sailors learn gives it in nautical miles: 2.08 times the sum of the two square roots. Geometry by itself would say 1.93; the rest is the air, which bends light around the Earth a little. As the bend differs from day to day, tables disagree in the second decimal.",
      "For an eye 3 m above the water the sea horizon is 3.6 miles away. Climbing to 12 m doubles that, for the square root of four is two.",
      "Seen from a boat at the edge of this range, a light dips: it goes out when the boat falls into a trough, and is back on the next crest.",
    ],
  },
  {
    name: "nominal-range.pdf",
    title: "The nominal range of a light",
    isPdf: true,
    paragraphs: [
      "How far a lamp carries depends on its strength and on the air. To make lamps comparable, lists of lights state the nominal range: the distance at which the lamp can just be seen where the meteorological visibility is ten nautical miles.",
      "The nominal range says nothing about the height of the tower. A strong lamp on a low rock has a long nominal range and may still be hidden behind the horizon.",
      "What the mariner sees is decided by whichever is shorter, the nominal range in such air or the geographic range. In haze the lamp gives out earlier; on a very clear night only the curve of the Earth is left.",
    ],
  },
  {
    name: "bell-rock",
    title: "Bell Rock: a tower on a reef that drowns twice a day",
    paragraphs: [
      "The Inchcape reef lies about 18 km off the coast of Angus in Scotland and is covered by the sea at high tide. Robert Stevenson's men could work on it for a few hours at a time, and in the first season lived on a ship nearby.",
      "The lamp was lit on 1 February 1811. The stone tower is about 35 m tall; its light stands 28 m above high water. It is the oldest sea-washed lighthouse that still works.",
      "The granite courses are dovetailed into each other, as Smeaton had done at the Eddystone half a century before.",
    ],
  },
  {
    name: "eddystone",
    title: "Eddystone: four towers on one rock",
    paragraphs: [
      "The Eddystone Rocks lie some 20 km south-west of Plymouth Sound. Winstanley's tower was lit in 1698 and vanished with its builder in the great storm of 1703. Rudyerd's, of wood, burnt in 1755. Smeaton's, of dovetailed stone, was lit in 1759.",
      "Smeaton's tower outlived the rock under it: when the sea had undercut the ledge, Douglass built the fourth tower beside it, lit in 1882. Its light stands 41 m above high water.",
      "The upper part of Smeaton's tower was carried to Plymouth Hoe, stone by stone. Its stump still stands on the reef.",
    ],
  },
  {
    name: "skerryvore",
    title: "Skerryvore: the tall one of the Hebrides",
    paragraphs: [
      "Skerryvore is a reef about 19 km south-west of the island of Tiree. Alan Stevenson, Robert's eldest son, built its tower of granite between 1838 and 1844.",
      "At 48 m it is the tallest lighthouse in Scotland, and its light stands 46 m above high water. Stevenson shaped the shaft as a hyperbola, so that its weight alone would hold the stones.",
    ],
  },
  {
    name: "cordouan",
    title: "Cordouan: a palace in the mouth of the Gironde",
    paragraphs: [
      "The tower of Cordouan was begun under Henri III by Louis de Foix and first lit in 1611, with a chapel and an apartment for a king who never came. In the 1780s Joseph Teulère raised it by some 20 m.",
      "Its light stands 60 m above high water. In 1823 it was the first lighthouse to be given a lens by Augustin Fresnel.",
      "It has been on the World Heritage List since 2021, as the second lighthouse after the Tower of Hercules.",
    ],
  },
  {
    name: "tower-of-hercules",
    title: "The Tower of Hercules: a Roman light that still works",
    paragraphs: [
      "The Romans built a lighthouse on a headland at A Coruña in Galicia, probably in the first century. The tower inside today's facade, which Eustaquio Giannini finished in 1790, is theirs.",
      "The tower is 55 m tall and stands on a hill, so that its light is 104 m above high water. A Latin inscription names an architect from Aeminium, which is now Coimbra.",
    ],
  },
  {
    name: "fastnet",
    title: "Fastnet: the teardrop of Ireland",
    paragraphs: [
      "For many emigrants the Fastnet Rock was the last that they saw of Ireland. A tower of cast iron, lit in 1854, proved too weak; the one of dovetailed Cornish granite that replaced it was lit in 1904.",
      "Each of its stones was fitted to its neighbours ashore before it was shipped to the rock.",
    ],
  },
  {
    name: "fresnel-lens",
    title: "The lens that made lamps carry",
    paragraphs: [
      "A lamp shines in all directions and only a narrow band of them is of use at sea. Mirrors caught a part of the rest; Augustin Fresnel's lens of 1823 catches most of it, with rings of prisms in place of a block of glass that no floor would have carried.",
      "Lenses were sorted into orders by their size. One of the first order stands taller than a person.",
    ],
  },
  {
    name: "keepers",
    title: "The last keepers",
    paragraphs: [
      "Keepers wound clockwork, trimmed wicks and wrote down the weather. Sun valves, which turned a gas lamp off by daylight, began to replace them at the start of the twentieth century; Gustaf Dalén, who invented one, was given the Nobel prize in physics in 1912.",
      "In the United Kingdom the last lighthouse with keepers was North Foreland in Kent. It was automated in November 1998.",
    ],
  },
];

/** Facts about the lights that the almanac knows and the pages do not. */
export const LIGHTS: Readonly<Record<string, { height_m: number; nominal_range_nmi: number; character: string }>> = {
  "Bell Rock": { height_m: 28, nominal_range_nmi: 18, character: "one flash every 5 s" },
  Eddystone: { height_m: 41, nominal_range_nmi: 17, character: "two flashes every 10 s" },
  Skerryvore: { height_m: 46, nominal_range_nmi: 23, character: "one flash every 10 s" },
  Cordouan: { height_m: 60, nominal_range_nmi: 19, character: "three eclipses every 12 s" },
  "Tower of Hercules": { height_m: 104, nominal_range_nmi: 23, character: "four flashes every 20 s" },
};

/** The pages that share the most words with the query, best first. */
export function searchPages(query: string): Page[] {
  const words = wordsOf(query);
  const scored = PAGES.map((page) => {
    const inTitle = wordsOf(page.title);
    const inText = wordsOf(page.paragraphs.join(" "));
    // A word in the title counts more.
    const score = [...words].reduce((sum, word) => sum + (inTitle.has(word) ? 3 : 0) + (inText.has(word) ? 1 : 0), 0);
    return { page, score };
  });
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ page }) => page);
}

const SHORT_WORD_LENGTH = 3;

function wordsOf(text: string): Set<string> {
  return new Set(
    text
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.filter((word) => word.length > SHORT_WORD_LENGTH),
  );
}
