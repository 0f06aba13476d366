#!/usr/bin/env node
/**
 * The program `background-responses`. Written in old JavaScript, so that a Node that is too old can report the problem.
 */
"use strict";

var OLDEST_MAJOR = 22;
var EXIT_MISCONFIGURED = 78; // EX_CONFIG of sysexits.h

if (Number(process.versions.node.split(".")[0]) < OLDEST_MAJOR) {
  process.stderr.write(
    "background-responses needs Node " + OLDEST_MAJOR + " or newer, and this is Node " + process.versions.node + ".\n",
  );
  process.exit(EXIT_MISCONFIGURED);
}

// Beside it lies TypeScript in the project, and JavaScript in the package.
void import(require("node:fs").existsSync(__dirname + "/main.ts") ? "./main.ts" : "./main.js");
