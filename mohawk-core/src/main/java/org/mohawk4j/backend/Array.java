package org.mohawk4j.backend;

import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * A backend's own handle on numbers in its memory. Only the backend that made it can read it. Logically row-major;
 * how the numbers lie is the backend's business.
 */
public interface Array {
    DType dtype();

    Shape shape();
}
