/**
 * What a robots.txt says of a URL. Runs in a thread of its own (page-extraction/thread.ts): groups of many agents, and rules
 * with many wildcards, cost the square of what they are long.
 */
import robotsParser from "robots-parser";

export interface RobotsQuestion {
  /** Of the robots.txt, and its text. */
  source: string;
  text: string;
  /** What is to be opened, and by whom. */
  url: string;
  agent: string;
}

interface ParsedRobots {
  isDisallowed(url: string, agent: string): boolean;
}
/** The module is the function itself; its types say that it is the module's default. */
const parseRobots = robotsParser as unknown as (url: string, text: string) => ParsedRobots;

export function isAllowedByRobots({ source, text, url, agent }: RobotsQuestion): boolean {
  return !parseRobots(source, text).isDisallowed(url, agent);
}
