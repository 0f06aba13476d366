/**
 * Evaluates a robots.txt. It runs in its own thread (thread.ts): rules for many agents or with many
 * wildcards take quadratic time.
 */
import robotsParser from "robots-parser";

export interface RobotsQuestion {
  /** The URL of the robots.txt, and its text. */
  source: string;
  text: string;
  /** The page's URL, and the user agent. */
  url: string;
  agent: string;
}

interface ParsedRobots {
  isDisallowed(url: string, agent: string): boolean;
}
/** The module is the function itself, but its types declare it as the default export. */
const parseRobots = robotsParser as unknown as (url: string, text: string) => ParsedRobots;

export function isAllowedByRobots({ source, text, url, agent }: RobotsQuestion): boolean {
  return !parseRobots(source, text).isDisallowed(url, agent);
}
