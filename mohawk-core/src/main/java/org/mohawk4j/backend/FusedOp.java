package org.mohawk4j.backend;

/**
 * A fused operation that a backend may provide, forward and backward. Each kernel interface belongs to one operation of
 * {@code org.mohawk4j.op}, whose {@code reference} method defines what it computes.
 */
public interface FusedOp {}
