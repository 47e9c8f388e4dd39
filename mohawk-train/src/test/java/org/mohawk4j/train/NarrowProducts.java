package org.mohawk4j.train;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;

/** Engines whose products are of a narrower type than their parameters, as in mixed precision. */
public final class NarrowProducts {
    private NarrowProducts() {}

    /** An engine on the CPU; the caller closes it. */
    public static Engine open(DType parameters, DType products) {
        Backend wide = Backends.open("nd4j", BackendOptions.defaults().withParameterType(parameters));
        return new Engine((Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, given) -> {
                    if (method.getName().equals("productType")) {
                        return products;
                    }
                    try {
                        return method.invoke(wide, given);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }
}
