/** Test data from the declarations themselves; for the tests of this package and of the system. */
export * from './arbitrary.ts';
export * from './fuzz.ts';
export * from './seeded.ts';
