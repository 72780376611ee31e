"""A small lending shelf in four languages, as somebody might have written it."""

from __future__ import annotations

JAVASCRIPT = b"""\
'use strict';

const assert = require('assert');

// Days that a book may be kept.
const DAYS = 14;

/**
 * What a late book costs.
 */
function fee(days, rate = 0.5) {
  if (days <= DAYS) {
    return 0;
  }
  const late = days - DAYS;
  console.log('late by ' + late);
  return Math.min(late * rate, 20);
}

class Shelf {
  constructor(size) {
    this.size = size;
    this.books = [];
  }

  add(title, copies) {
    if (!title || copies < 1) {
      throw new TypeError('no title < 1');
    }
    for (let i = 0; i < copies; i++) {
      this.books.push(title.trim());
    }
    return this.books.length > this.size;
  }
}

Shelf.prototype.find = function (start) {
  return this.books.filter((title) => title.startsWith(start) && title !== '');
};

const isIsbn = (text) => /^\\d+$/.test(text) && text.length === 13;

module.exports = { Shelf, fee, isIsbn };
"""

TYPESCRIPT = b"""\
import { Store } from './store';

type State = 'open' | 'shut';

export interface Book { title: string; pages: number }

export class Shelf<T extends Book> {
  private books: T[] = [];
  state: State = 'open';

  constructor(private store: Store, readonly low: number, readonly high: number) {}

  /** How many books have at least so many pages. */
  count(pages: number, limit: number = 10): number {
    let found = 0;
    for (const book of this.books) {
      if (book.pages >= pages && found < limit) {
        found += 1;
      }
    }
    return found + (this.low as number) * this.high;
  }

  next?: () => T;
}

export const shorten = (title: string, width: number, tail: string): string =>
  title.length > width ? title.slice(0, width) + tail : title;
"""

GO = b"""\
package shelf

import (
	"errors"
	"fmt"
	"strings"
)

// Shelf holds books.
type Shelf struct {
	size, used int
	books      []string
}

// ErrFull says that < 1 book fits.
var ErrFull = errors.New("full < 1")

// Add puts a book on the shelf.
// It trims the title.
func (s *Shelf) Add(title string, copies int) (int, error) {
	title = strings.TrimLeft(title, " ")
	if s.used+copies > s.size {
		return 0, fmt.Errorf("no room for %d < 1", copies)
	}
	for i := 0; i < copies; i++ {
		s.books = append(s.books, title)
		s.used++
	}
	return s.size - s.used, nil
}

func between(low, high, n int) bool { return low <= n && n < high }

func grade(days int) string {
	late := days - 14
	switch {
	case late <= 0:
		return "in time"
	case between(1, 8, late):
		return "late"
	}
	return "lost"
}
"""

RUST = b"""\
//! A shelf.

use std::fmt;

/// Holds books.
pub struct Shelf {
    size: usize,
    used: usize,
    books: Vec<String>,
}

impl Shelf {
    /// Puts a book on the shelf.
    #[must_use]
    pub fn add(&mut self, title: &str, copies: usize) -> Option<usize> {
        if self.used + copies > self.size {
            return None;
        }
        for _ in 0..copies {
            self.books.push(title.trim_start().to_string());
        }
        self.used += copies;
        println!("{} < 1", self.used);
        Some(self.size - self.used)
    }
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.used, self.size)
    }
}

pub fn grade(days: u32, late: u32) -> &'static str {
    let level = match days / 7 {
        0 => "in time",
        1 | 2 if late > 0 => "late",
        _ => "lost",
    };
    level
}

fn clip(text: &str, start: usize, end: usize) -> &str {
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> Shelf {
        Shelf { size: 2, used: 0, books: Vec::new() }
    }

    // A full shelf takes nothing.
    #[test]
    fn takes_no_more_than_fits() {
        assert_eq!(shelf().add("a", 3), None);
    }

    #[test]
    #[should_panic]
    fn clips_only_what_is_there() {
        let end = 1 + 1;
        clip("a", 0, end);
    }
}
"""

SOURCES = {"lib/shelf.js": JAVASCRIPT, "src/shelf.ts": TYPESCRIPT, "shelf.go": GO, "src/lib.rs": RUST}
