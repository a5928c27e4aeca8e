#!/usr/bin/env node
import '../dist/odradek.js';
