/**
 * The CUDA backend: kernels compiled by NVRTC for the GPU that is there, products by cuBLASLt, one stream, memory from
 * the driver's stream-ordered pool. Everything outside is found with {@link java.util.ServiceLoader}.
 */
@org.jspecify.annotations.NullMarked
package org.mohawk4j.backend.cuda;
