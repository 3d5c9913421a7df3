import type { Random } from './random.js';

export const eventTypes = ['login', 'click', 'purchase', 'logout'] as const;
export const sources = ['web', 'mobile'] as const;

const login = 0;
const click = 1;
const purchase = 2;
const logout = 3;

const loginPage = 0;
const checkoutPage = 1;
const logoutPage = 2;
const firstBrowsed = 3;

/** The first three are where one logs in, buys and logs out; the others are browsed, the first of them most. */
export const pages: readonly string[] = [
  '/login',
  '/checkout',
  '/logout',
  '/',
  '/search',
  ...['shoes', 'shirts', 'jackets', 'bags', 'watches', 'sale', 'new'].map((name) => `/category/${name}`),
  '/cart',
  ...Array.from({ length: 180 }, (_, i) => `/product/${i + 1}`),
  '/account',
  '/help',
];

/** What somebody does next. One object for all of them: at 500,000 a second, nothing is allocated for each. */
export interface Act {
  userId: number;
  /** Index in `eventTypes`. */
  type: number;
  /** Index in `pages`. */
  page: number;
  /** Index in `sources`. */
  source: number;
}

/**
 * People in sessions: log in, look at pages (popular ones more often), sometimes buy, and log out or just go away. One
 * user in ten is there at any moment. Each place in the shop has users of its own, so nobody is there twice.
 */
export function createShop(users: number, random: Random): (act: Act) => void {
  const places = Math.max(1, Math.ceil(users / 10));
  const userOf = new Uint32Array(places);
  const sourceOf = new Uint8Array(places);
  /** Clicks to come before the visit ends; 255: nobody there. */
  const clicksLeft = new Uint8Array(places).fill(255);
  const willBuy = new Uint8Array(places);
  const popularity = popularPages();
  let acts = 0;

  return function next(act) {
    // People come one after the other when the shop opens, so that the first hundred events are not all logins.
    const open = Math.min(places, 4 + Math.floor(acts++ / 12));
    const place = random.below(open);
    const left = clicksLeft[place]!;
    if (left === 255) {
      arrive(place);
      act.type = login;
      act.page = loginPage;
    } else if (left > 0) {
      clicksLeft[place] = left - 1;
      act.type = click;
      act.page = popularity[random.u32() >>> 20]!;
    } else if (willBuy[place] === 1) {
      willBuy[place] = 0;
      clicksLeft[place] = random.below(3);
      act.type = purchase;
      act.page = checkoutPage;
    } else {
      act.type = logout;
      act.page = logoutPage;
      clicksLeft[place] = 255;
    }
    act.userId = userOf[place]!;
    act.source = sourceOf[place]!;
    // One in four leaves without logging out: the place is free after the last click.
    if (clicksLeft[place] === 0 && willBuy[place] === 0 && random.chance(0.25)) clicksLeft[place] = 255;
  };

  function arrive(place: number): void {
    const own = Math.floor((users - 1 - place) / places) + 1;
    // The smaller of two draws: some come often, some hardly ever.
    const which = Math.min(random.below(own), random.below(own));
    userOf[place] = place + which * places + 1;
    sourceOf[place] = random.chance(0.6) ? 0 : 1;
    clicksLeft[place] = 1 + Math.min(random.below(12), random.below(24));
    willBuy[place] = random.chance(0.2) ? 1 : 0;
  }
}

/** 4096 page indexes, each page as often as its popularity: one over its rank. */
function popularPages(): Uint16Array {
  const table = new Uint16Array(4096);
  const browsed = pages.length - firstBrowsed;
  let sum = 0;
  for (let rank = 1; rank <= browsed; rank++) sum += 1 / rank;
  let filled = 0;
  let share = 0;
  for (let rank = 1; rank <= browsed; rank++) {
    share += 1 / rank / sum;
    const end = rank === browsed ? table.length : Math.round(share * table.length);
    table.fill(firstBrowsed + rank - 1, filled, end);
    filled = end;
  }
  return table;
}
