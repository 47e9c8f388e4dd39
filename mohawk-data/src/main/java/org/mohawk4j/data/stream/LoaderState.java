package org.mohawk4j.data.stream;

import org.mohawk4j.data.source.ShardPosition;

/**
 * A token's place in the endless sequence of a text's files.
 *
 * @param pass how often all files were read before
 * @param file the file's place in the order of this pass
 * @param chunk where the chunk begins that the token is in
 * @param token in that chunk, from 0
 */
record LoaderState(long pass, int file, ShardPosition chunk, int token) {}
