package org.mohawk4j.data.source;

/**
 * The start of a chunk in a file.
 *
 * @param offset in bytes of unpacked text, rows of a table or token ids
 * @param line of text, from 1; 0 where there are no lines
 */
public record ShardPosition(long offset, long line) {}
