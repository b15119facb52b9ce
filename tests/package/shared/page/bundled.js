// For a bundler, which finds the package by its name.
import * as edgemint from 'edgemint';
import { start } from './run.js';

start(edgemint);
