@org.jspecify.annotations.NullMarked
package org.mohawk4j.backend.cpu;
