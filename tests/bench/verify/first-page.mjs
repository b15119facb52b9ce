// The code of a page. When it is bundled, `first` becomes one of the modules first-NAME.mjs.
export { first } from 'first';
