// For a bundler, which resolves the package by its name.
import * as edgemint from 'edgemint';
import { start } from './run.js';

start(edgemint);
