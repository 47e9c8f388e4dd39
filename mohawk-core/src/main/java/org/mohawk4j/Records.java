package org.mohawk4j;

import java.lang.reflect.RecordComponent;
import java.util.StringJoiner;

/** Records as text. */
public final class Records {
    private Records() {}

    /** As the record's own would be, after the class that it stands in: {@code DiscreteMamba2.Config[width=64, ...]}. */
    public static String toString(Record values) {
        Class<?> type = values.getClass();
        Class<?> owner = type.getEnclosingClass();
        String name = owner == null ? type.getSimpleName() : owner.getSimpleName() + "." + type.getSimpleName();
        StringJoiner text = new StringJoiner(", ", name + "[", "]");
        for (RecordComponent component : type.getRecordComponents()) {
            text.add(component.getName() + "=" + value(component, values));
        }
        return text.toString();
    }

    /**
     * What one component is.
     *
     * @throws IllegalStateException if it cannot be read
     */
    public static Object value(RecordComponent component, Record values) {
        try {
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(values);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot read " + component + " of a " + values.getClass(), e);
        }
    }
}
